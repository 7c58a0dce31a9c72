import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLoopback, readSettings } from './settings.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-settings-'));
});
afterAll(() => rm(folder, { recursive: true }));

const MINIMAL = `
federation: demo
state: state
identity: identity
`;
async function read(yaml: string, env: Record<string, string> = {}) {
  const file = join(folder, 'settings.yaml');
  await writeFile(file, yaml);
  return readSettings(file, env);
}
const invalid = async (yaml: string, env?: Record<string, string>): Promise<Fault> => {
  const error: unknown = await read(yaml, env).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'SETTINGS_INVALID' });
  return error as Fault;
};

describe('settings', () => {
  it('need a federation, a state folder and an identity; everything else has a default', async () => {
    expect(await read(MINIMAL)).toEqual({
      federation: 'demo',
      state: join(folder, 'state'),
      grpc: { host: '0.0.0.0', port: 7443 },
      http: { host: '127.0.0.1', port: 7480, allowRemote: false, forwardedFor: false, machineToken: true },
      people: { local: true, oidc: undefined },
      identity: join(folder, 'identity'),
      databaseUrl: undefined,
      modelBytesMax: 2 ** 28,
      log: { level: 'info', format: 'auto' },
    });
  });

  it('are overridden by the environment, empty variables by none', async () => {
    const env = {
      CONSILIUM_STATE: '/var/consilium',
      CONSILIUM_GRPC_PORT: '7001',
      CONSILIUM_LOG_FORMAT: 'json',
      CONSILIUM_HTTP_PORT: '',
    };
    expect(await read(MINIMAL, env)).toMatchObject({
      state: '/var/consilium',
      grpc: { port: 7001 },
      http: { port: 7480 },
      log: { format: 'json' },
    });
  });

  it('that the environment spoils are named by their path', async () => {
    expect((await invalid(MINIMAL, { CONSILIUM_GRPC_PORT: 'many' })).facts).toMatchObject({ path: 'grpc.port' });
  });

  it.each([
    ['a missing one', 'federation: demo\nstate: s\n', 'identity'],
    ['an unknown one', `${MINIMAL}colour: red\n`, '(top)'],
    ['a wrong name', MINIMAL.replace('demo', 'Not A Name'), 'federation'],
    ['a port that is none', `${MINIMAL}grpc: { port: 70000 }\n`, 'grpc.port'],
    ['an address to dial without a port', `${MINIMAL}grpc: { advertise: hub.example.org }\n`, 'grpc.advertise'],
    ['files in place of the identity folder', `${MINIMAL}tls: { ca: c, certificate: d, privateKey: k }\n`, '(top)'],
    ['two databases', `${MINIMAL}database: { url: 'postgresql://h/d', urlFile: f }\n`, 'database'],
    ['a list instead of settings', '- 1\n', 'federation'],
  ])('refuse %s by its path', async (_, yaml, path) => {
    expect((await invalid(yaml)).facts).toMatchObject({ path });
  });

  it('may tell agents another address than the one on which the coordinator listens', async () => {
    for (const advertise of ['hub.example.org:443', '[2001:db8::1]:7443']) {
      expect((await read(`${MINIMAL}grpc: { advertise: '${advertise}' }\n`)).grpc.advertise).toBe(advertise);
    }
  });

  it('refuse HTTP beyond this machine unless that is said in so many words', async () => {
    const open = `${MINIMAL}http: { host: 0.0.0.0 }\n`;
    expect((await invalid(open)).facts).toMatchObject({ path: 'http.host' });
    expect(await read(open.replace('0.0.0.0', '0.0.0.0, allowRemote: true'))).toMatchObject({
      http: { host: '0.0.0.0' },
    });
  });

  it('say SETTINGS_UNREADABLE for no file and for what is not YAML, and show neither', async () => {
    await expect(readSettings(join(folder, 'none.yaml'), {})).rejects.toMatchObject({
      code: 'SETTINGS_UNREADABLE',
      facts: {},
    });
    await expect(read('a: [1')).rejects.toMatchObject({ code: 'SETTINGS_UNREADABLE', facts: {} });
  });
});

describe('how people log in', () => {
  const oidc = (more = ''): string =>
    `${MINIMAL}people: { oidc: { issuer: 'https://idp.example/realm', clientId: hub, ${more} } }\n`;

  it('may be through an identity provider, whose secret comes from a file', async () => {
    await writeFile(join(folder, 'secret'), 's3cret\n');
    expect((await read(oidc())).people.oidc).toEqual({
      issuer: 'https://idp.example/realm',
      clientId: 'hub',
      clientSecret: undefined,
      scopes: ['openid', 'profile'],
    });
    expect((await read(oidc('clientSecretFile: secret'))).people.oidc).toMatchObject({ clientSecret: 's3cret' });
    expect((await invalid(oidc('clientSecretFile: none'))).facts).toMatchObject({
      path: 'people.oidc.clientSecretFile',
    });
  });

  it.each([
    ['a provider without TLS', oidc().replace('https://', 'http://'), 'people.oidc.issuer'],
    ['a provider that is no address', oidc().replace('https://idp.example/realm', 'idp'), 'people.oidc.issuer'],
    ['scopes without openid', oidc('scopes: [profile]'), 'people.oidc.scopes'],
    ['a secret in the file itself', oidc('clientSecret: x'), 'people.oidc'],
    ['a public address without TLS', `${MINIMAL}http: { publicUrl: 'http://hub.example' }\n`, 'http.publicUrl'],
    ['a public address with a path', `${MINIMAL}http: { publicUrl: 'https://hub.example/x' }\n`, 'http.publicUrl'],
  ])('refuses %s', async (_, yaml, path) => {
    expect((await invalid(yaml)).facts).toMatchObject({ path });
  });

  it('takes a provider on this machine without TLS, for trials', async () => {
    const here = oidc().replace('https://idp.example/realm', 'http://127.0.0.1:8080');
    expect((await read(here)).people.oidc).toMatchObject({ issuer: 'http://127.0.0.1:8080' });
  });
});

describe('the database', () => {
  const url = 'postgresql://user:pa55word@db.example/consilium';

  it('is named in the settings, in a file, or by the environment, which wins', async () => {
    await writeFile(join(folder, 'url'), `${url}\n`);
    expect((await read(`${MINIMAL}database: { url: '${url}' }\n`)).databaseUrl).toBe(url);
    expect((await read(`${MINIMAL}database: { urlFile: url }\n`)).databaseUrl).toBe(url);
    const other = 'postgres://elsewhere/x';
    expect((await read(`${MINIMAL}database: { urlFile: url }\n`, { DATABASE_URL: other })).databaseUrl).toBe(other);
  });

  it('must be PostgreSQL, and a wrong one is never shown', async () => {
    const fault = await invalid(MINIMAL, { DATABASE_URL: 'mysql://user:pa55word@host/db' });
    expect(fault.facts).toMatchObject({ path: 'database.url' });
    expect(JSON.stringify([fault.facts, fault.message])).not.toContain('pa55word');
    expect((await invalid(`${MINIMAL}database: { urlFile: none }\n`)).facts).toMatchObject({
      path: 'database.urlFile',
    });
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['127.example.org', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
