import type { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { resolveAddress, resolveConnection, type ConnectionOptions, type PersonsLogins } from './connection.js';

const FILES: Record<string, string> = {
  '.consilium/run/api.json': '{"url":"http://127.0.0.1:4000","tokenFile":"/s/api-token"}',
  'other/run/api.json': '{"url":"http://127.0.0.1:5000","tokenFile":"/o/api-token"}',
  '/s/api-token': 'secret-of-up\n',
  '/o/api-token': 'secret-of-other',
  mine: 'secret-of-mine\n',
};

const resolve = (options: ConnectionOptions, env: Record<string, string> = {}, files = FILES) =>
  resolveConnection(options, env, (path) => Promise.resolve(files[path]));

describe('finding the coordinator', () => {
  it('takes what `consilium up` left in the state directory', async () => {
    expect(await resolve({})).toEqual({ url: 'http://127.0.0.1:4000', token: 'secret-of-up' });
  });

  it('looks in the state directory that is named', async () => {
    const other = { url: 'http://127.0.0.1:5000', token: 'secret-of-other' };
    expect(await resolve({ state: 'other' })).toEqual(other);
    expect(await resolve({}, { CONSILIUM_STATE: 'other' })).toEqual(other);
  });

  it('prefers an option to the environment, and both to the state directory', async () => {
    const env = { CONSILIUM_URL: 'https://hub.example', CONSILIUM_TOKEN: 'secret-of-env' };
    expect(await resolve({}, env)).toEqual({ url: 'https://hub.example', token: 'secret-of-env' });
    expect(await resolve({ url: 'https://other.example' }, env)).toMatchObject({ url: 'https://other.example' });
    expect(await resolve({ tokenFile: 'mine' }, env)).toMatchObject({ token: 'secret-of-mine' });
    expect(await resolve({}, { ...env, CONSILIUM_TOKEN_FILE: 'mine' })).toMatchObject({ token: 'secret-of-mine' });
  });

  it('takes an empty variable for an absent one', async () => {
    expect(await resolve({}, { CONSILIUM_URL: '', CONSILIUM_TOKEN: '', CONSILIUM_TOKEN_FILE: '' })).toMatchObject({
      token: 'secret-of-up',
    });
  });

  it('never sends the state directory’s token to another address', async () => {
    const fault = await resolve({ url: 'https://attacker.example' }).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'LOGIN_REQUIRED' });
    // The control: to its own address it is sent, however that is spelled.
    expect(await resolve({ url: 'http://127.0.0.1:4000/' })).toMatchObject({ token: 'secret-of-up' });
  });

  it.each([
    ['no coordinator is known', {}, {}, {}],
    ['the address is not http', { url: 'file:///etc/passwd' }, {}, FILES],
    ['the address is no address', { url: 'http://' }, {}, FILES],
    ['the token file is not there', { url: 'http://x', tokenFile: 'absent' }, {}, FILES],
    ['the token could break out of its header', { url: 'http://x' }, { CONSILIUM_TOKEN: 'a\r\nx: y' }, FILES],
  ])('says SETTINGS_INVALID when %s', async (_, options, env, files) => {
    await expect(
      resolve(options, env as Record<string, string>, files as Record<string, string>),
    ).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
  });

  it.each(['{', '{"url":7,"tokenFile":"x"}'])(
    'says STATE_UNREADABLE for a file of the state directory that holds %j',
    async (text) => {
      await expect(resolve({}, {}, { '.consilium/run/api.json': text })).rejects.toMatchObject({
        code: 'STATE_UNREADABLE',
      });
    },
  );

  it('tells no value of a setting, since it may be a secret', async () => {
    const fault = (await resolve({ url: 'http://x' }, { CONSILIUM_TOKEN: 'se cret' }).catch(
      (error: unknown) => error,
    )) as Fault;
    expect(fault.message).not.toContain('se cret');
  });
});

describe('a login', () => {
  const hub = 'https://hub.example';
  const logins: PersonsLogins = {
    current: async () => hub,
    has: async (url) => new URL(url).origin === hub,
    token: async () => 'token-of-the-login',
  };
  const connect = (options: ConnectionOptions, env: Record<string, string> = {}, files = FILES) =>
    resolveConnection(options, env, (path) => Promise.resolve(files[path]), logins);
  const tokenOf = async (options: ConnectionOptions, env?: Record<string, string>): Promise<string> => {
    const { token } = await connect(options, env);
    return typeof token === 'string' ? token : token();
  };

  it('is preferred to what `consilium up` left, and asked for its token at each call', async () => {
    const { url, token } = await connect({});
    expect(url).toBe(hub);
    expect(token).toBeTypeOf('function');
    expect(await tokenOf({})).toBe('token-of-the-login');
  });

  it('gives way to a token that was named, and to a state directory that was named', async () => {
    expect(await tokenOf({ tokenFile: 'mine' })).toBe('secret-of-mine');
    expect(await tokenOf({}, { CONSILIUM_TOKEN: 'secret-of-env' })).toBe('secret-of-env');
    expect(await connect({ state: 'other' })).toMatchObject({ url: 'http://127.0.0.1:5000', token: 'secret-of-other' });
    expect(await connect({}, { CONSILIUM_STATE: 'other' })).toMatchObject({ token: 'secret-of-other' });
  });

  it('is never shown to another coordinator', async () => {
    await expect(connect({ url: 'https://attacker.example' })).rejects.toMatchObject({ code: 'LOGIN_REQUIRED' });
    expect(await connect({ url: 'http://127.0.0.1:4000' })).toMatchObject({ token: 'secret-of-up' });
  });

  it('needs an address, which is found as for every other command', async () => {
    const find = (options: ConnectionOptions, files = FILES) =>
      resolveAddress(options, {}, (path) => Promise.resolve(files[path]), logins);
    expect(await find({})).toBe(hub);
    expect(await find({ url: 'https://other.example' })).toBe('https://other.example');
    await expect(resolveAddress({}, {}, () => Promise.resolve(undefined))).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
    });
    expect(await resolveAddress({}, {}, (path) => Promise.resolve(FILES[path]))).toBe('http://127.0.0.1:4000');
  });
});
