import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoginApi } from './api.js';
import { LoginServer } from './login-server.fixture.js';

let server: LoginServer;
beforeEach(async () => {
  server = await LoginServer.open();
});
afterEach(() => server.close());

/** A server that answers everything in one way. */
async function answering(answer: (response: ServerResponse) => void): Promise<{ url: string; server: Server }> {
  const other = createServer((_, response) => answer(response));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(other.address() as AddressInfo).port}`, server: other };
}

describe('the way to log in', () => {
  it('sends secrets in bodies, never in addresses', async () => {
    const api = new LoginApi(server.url);
    await api.local({ login: 'a.weber', password: 'the-password', code: '123456' });
    await api.refresh('refresh-1');
    await api.exchange({ code: 'the-code', verifier: 'the-verifier', redirectUri: 'http://127.0.0.1:1/callback' });
    await api.beginSetup('the-secret');
    await api.completeSetup({ secret: 'the-secret', password: 'the-password', code: '123456' });
    await api.logout('refresh-3');
    expect(server.calls.join(' ')).not.toMatch(/the-|refresh-\d|\?/);
    expect(server.calls).toHaveLength(6);
  });

  it('tells the browser where to begin, with the challenge and never the verifier', () => {
    const address = new URL(
      new LoginApi(server.url).browserAddress('http://127.0.0.1:1/callback', 'the-challenge', 'the-state', true),
    );
    expect(address.origin + address.pathname).toBe(`${server.url}/api/v1/login/oidc`);
    expect(Object.fromEntries(address.searchParams)).toEqual({
      redirect_uri: 'http://127.0.0.1:1/callback',
      code_challenge: 'the-challenge',
      state: 'the-state',
      step_up: 'true',
    });
  });

  it('hears the coordinator’s own code of a refusal', async () => {
    server.refusal = 'ACCOUNT_LOCKED';
    await expect(new LoginApi(server.url).methods()).rejects.toMatchObject({ code: 'ACCOUNT_LOCKED' });
  });

  it('follows no redirect, which could carry a password to another place', async () => {
    const elsewhere = await answering((response) => response.writeHead(307, { location: server.url }).end());
    const login = new LoginApi(elsewhere.url).local({ login: 'a', password: 'the-password', code: '123456' });
    await expect(login).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(server.calls).toEqual([]);
    elsewhere.server.close();
  });

  it.each([
    ['what is no JSON', 'MESSAGE_MALFORMED', (response: ServerResponse) => void response.end('<html>')],
    ['other JSON', 'MESSAGE_MALFORMED', (response: ServerResponse) => void response.end('{"oidc":1}')],
    ['a proxy’s error', 'UNAVAILABLE', (response: ServerResponse) => void response.writeHead(502).end('<html>')],
    ['nothing', 'UNAVAILABLE', (response: ServerResponse) => void response.destroy()],
  ])('says what is wrong with a server that answers %s', async (_, code, answer) => {
    const other = await answering(answer);
    await expect(new LoginApi(other.url).methods()).rejects.toMatchObject({ code });
    other.server.close();
  });

  it('is UNAVAILABLE where nobody listens, and CANCELLED when asked to stop', async () => {
    const gone = await answering(() => {});
    await new Promise((resolve) => gone.server.close(resolve));
    await expect(new LoginApi(gone.url).methods()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const stop = new AbortController();
    server.hold = new Promise(() => {});
    const waiting = new LoginApi(server.url, stop.signal).methods();
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
