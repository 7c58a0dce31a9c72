import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeptLogins } from './kept-logins.js';
import { LoginFile } from './login-file.js';
import { LoginServer } from './login-server.fixture.js';

const MINUTE_MS = 60_000;

let server: LoginServer;
let folder: string;
let now: number;
/** Time stands still but for what a test says; waits are real and short. */
const clock: Clock = {
  now: () => now,
  monotonic: () => performance.now(),
  after: (_, callback) => {
    const timer = setTimeout(callback, 20);
    return () => clearTimeout(timer);
  },
};
const open = (): KeptLogins => new KeptLogins(new LoginFile(join(folder, 'consilium')), clock);
beforeEach(async () => {
  server = await LoginServer.open();
  folder = await mkdtemp(join(tmpdir(), 'consilium-logins-'));
  now = 1_000_000;
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

describe('a login that was kept', () => {
  it('is there for the next command, and its file for nobody else', async () => {
    await open().keep(server.url, server.tokens());
    expect([await open().current(), await open().has(server.url)]).toEqual([server.url, true]);
    expect(await open().token(`${server.url}/some/path`)).toBe('access-1');
    expect((await stat(join(folder, 'consilium', 'logins.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'consilium'))).mode & 0o777).toBe(0o700);
    expect(server.calls).toEqual([]);
  });

  it('is refreshed before its token expires, and the next token is kept', async () => {
    await open().keep(server.url, server.tokens());
    now += 9 * MINUTE_MS;
    expect(await open().token(server.url)).toBe('access-1');
    now += MINUTE_MS - 30_000;
    expect(await open().token(server.url)).toBe('access-2');
    expect(await open().token(server.url)).toBe('access-2');
    expect(server.calls).toEqual(['login/refresh']);
  });

  it('is refreshed once for many commands at once, since a refresh token works once', async () => {
    await open().keep(server.url, server.tokens());
    now += 11 * MINUTE_MS;
    const tokens = await Promise.all(Array.from({ length: 8 }, () => open().token(server.url)));
    expect(new Set(tokens)).toEqual(new Set(['access-2']));
    expect(server.calls).toEqual(['login/refresh']);
  });

  it('is forgotten when the coordinator has ended it', async () => {
    await open().keep(server.url, server.tokens());
    now += 11 * MINUTE_MS;
    server.refusal = 'LOGIN_REQUIRED';
    await expect(open().token(server.url)).rejects.toMatchObject({ code: 'LOGIN_REQUIRED' });
    expect([await open().has(server.url), await open().current()]).toEqual([false, undefined]);
  });

  it('outlives a coordinator that cannot answer just now', async () => {
    await open().keep(server.url, server.tokens());
    now += 11 * MINUTE_MS;
    server.refusal = 'DATABASE_UNAVAILABLE';
    await expect(open().token(server.url)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(await open().token(server.url)).toBe('access-2');
  });

  it('is of one coordinator: no other is sent its token', async () => {
    await open().keep(server.url, server.tokens());
    expect(await open().has('http://127.0.0.1:1')).toBe(false);
    await expect(open().token('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'LOGIN_REQUIRED' });
  });

  it('is one of several; the newest is the current one, whichever is refreshed', async () => {
    const other = await LoginServer.open();
    await open().keep(server.url, server.tokens());
    await open().keep(other.url, other.tokens());
    now += 11 * MINUTE_MS;
    expect(await open().token(server.url)).toBe('access-2');
    expect(await open().current()).toBe(other.url);
    await other.close();
  });

  it('ends the one that it replaces', async () => {
    await open().keep(server.url, server.tokens());
    await open().keep(server.url, server.tokens());
    expect(server.calls).toEqual(['login/logout']);
    expect(server.bodies).toEqual([{ refreshToken: 'refresh-1' }]);
    expect(await open().token(server.url)).toBe('access-2');
  });

  it('counts although the one that it replaces could not be ended', async () => {
    await open().keep(server.url, server.tokens());
    server.refusal = 'INTERNAL';
    await open().keep(server.url, server.tokens());
    expect(await open().token(server.url)).toBe('access-2');
  });

  it('is ended here and there by logging out, and then there is none', async () => {
    await open().keep(server.url, server.tokens());
    expect([await open().end(server.url), await open().end(server.url)]).toEqual([true, false]);
    expect(server.calls).toEqual(['login/logout']);
    expect(await open().has(server.url)).toBe(false);
  });
});

describe('the file of logins', () => {
  it.each(['{', '[]', '{"schema":"consilium.logins/2","current":null,"logins":{}}'])(
    'that holds %s is not overwritten, but told of',
    async (text) => {
      await open().keep(server.url, server.tokens());
      await writeFile(join(folder, 'consilium', 'logins.json'), text);
      await expect(open().has(server.url)).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
      await expect(open().keep(server.url, server.tokens())).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
    },
  );
});
