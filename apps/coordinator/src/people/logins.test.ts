import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../fixtures/api.fixture.js';
import { TOKEN } from '../fixtures/hub.fixture.js';
import { Denials } from './denials.js';
import { IDLE_MS, LOGIN_MS_MAX, Logins } from './logins.js';
import type { PersonId } from './person-id.js';
import { Scene } from './scene.fixture.js';

const HOUR_MS = 60 * 60_000;

let scene: Scene;
let logins: Logins;
beforeEach(async () => {
  scene = await Scene.open();
  const { people, tokens, ledger, clock } = scene;
  logins = new Logins({ store: people.store, tokens, ledger, denials: new Denials(ledger, clock), clock });
});
afterEach(() => scene.close());

async function logIn(person?: PersonId): Promise<{ person: PersonId; refreshToken: string; accessToken: string }> {
  const id = person ?? (await scene.person({ role: 'auditor' }));
  const account = (await scene.people.store.find(id))!;
  return logins.open(account, scene.clock.now(), 'local');
}
const refresh = (refreshToken: string): Promise<Answer> =>
  scene.ask('/api/v1/login/refresh', { token: null, body: { refreshToken } });
const whoami = (token: unknown): Promise<Answer> => scene.ask('/api/v1/whoami', { token: String(token) });
const codeOf = ({ json }: Answer): unknown => json['error']?.['code'];

describe('an access token', () => {
  it('opens the API for ten minutes', async () => {
    const { person, accessToken } = await logIn();
    expect((await whoami(accessToken)).json).toMatchObject({ person });
    scene.clock.advance(11 * 60_000);
    const { status, headers, json } = await whoami(accessToken);
    expect([status, json['error']?.['code']]).toEqual([401, 'ACCESS_TOKEN_INVALID']);
    expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  });

  it('of another coordinator opens nothing', async () => {
    const other = await Scene.open();
    expect(codeOf(await whoami(await other.token({ role: 'admin' })))).toBe('ACCESS_TOKEN_INVALID');
    await other.close();
  });

  it('says who somebody is, not what they may do: a role that was taken away is gone at once', async () => {
    const { person, accessToken } = await logIn();
    await scene.people.store.revoke(person, { role: 'auditor' });
    expect(codeOf(await whoami(accessToken))).toBe('ACCOUNT_UNKNOWN');
    await scene.people.store.grant(person, { role: 'admin' });
    expect((await whoami(accessToken)).json).toMatchObject({ grants: [{ role: 'admin' }] });
    await scene.people.store.disable(person, 1);
    expect(codeOf(await whoami(accessToken))).toBe('ACCESS_DENIED');
    await scene.people.store.erase(person);
    expect(codeOf(await whoami(accessToken))).toBe('ACCESS_DENIED');
  });
});

describe('a refresh token', () => {
  it('gets the next pair, again and again', async () => {
    let { refreshToken } = await logIn();
    for (let i = 0; i < 5; i++) {
      scene.clock.advance(HOUR_MS);
      const { status, json, headers } = await refresh(refreshToken);
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(json['refreshToken']).not.toBe(refreshToken);
      expect((await whoami(json['accessToken'])).status).toBe(200);
      refreshToken = String(json['refreshToken']);
    }
  });

  it('keeps the time of the proof: refreshing is no step-up', async () => {
    const { refreshToken } = await logIn();
    const authMs = scene.clock.now();
    scene.clock.advance(HOUR_MS);
    const { json } = await refresh(refreshToken);
    expect((await whoami(json['accessToken'])).json['authMs']).toBe(authMs);
  });

  it('that comes again ends the login, for the thief and for its owner', async () => {
    const { refreshToken: stolen } = await logIn();
    const { json } = await refresh(stolen);
    expect(codeOf(await refresh(stolen))).toBe('LOGIN_REQUIRED');
    expect(codeOf(await refresh(String(json['refreshToken'])))).toBe('LOGIN_REQUIRED');
  });

  it('works for one of fifty at once, and then for nobody', async () => {
    const { refreshToken } = await logIn();
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(refreshToken)));
    const good = answers.filter(({ status }) => status === 200);
    expect(good).toHaveLength(1);
    expect(codeOf(await refresh(String(good[0]!.json['refreshToken'])))).toBe('LOGIN_REQUIRED');
  });

  it('ends after twelve hours in which nobody used it, and not before', async () => {
    const [used, idle] = [await logIn(), await logIn()];
    scene.clock.advance(IDLE_MS);
    const { status, json } = await refresh(used.refreshToken);
    expect(status).toBe(200);
    scene.clock.advance(1);
    expect(codeOf(await refresh(idle.refreshToken))).toBe('LOGIN_REQUIRED');
    expect((await refresh(String(json['refreshToken']))).status).toBe(200);
  });

  it('ends after thirty days, however often it was used', async () => {
    let { refreshToken } = await logIn();
    for (let passed = 0; passed + IDLE_MS <= LOGIN_MS_MAX; passed += IDLE_MS) {
      scene.clock.advance(IDLE_MS);
      refreshToken = String((await refresh(refreshToken)).json['refreshToken']);
    }
    scene.clock.advance(1);
    expect(codeOf(await refresh(refreshToken))).toBe('LOGIN_REQUIRED');
  });

  it('is not kept as it is', async () => {
    const { refreshToken } = await logIn();
    const [, id, secret] = refreshToken.split('.');
    const session = await scene.people.store.findSession(id!);
    expect(JSON.stringify(session)).not.toContain(secret);
    expect(session!.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(['', 'x', 'consilium-refresh.', `consilium-refresh.${'A'.repeat(22)}.${'B'.repeat(43)}`, TOKEN, 'a.b.c'])(
    'like %j is refused',
    async (token) => {
      expect((await refresh(token)).status).toBe(token === '' ? 400 : 401);
    },
  );

  it('is no access token, nor the other way round', async () => {
    const { refreshToken, accessToken } = await logIn();
    expect((await whoami(refreshToken)).status).toBe(401);
    expect((await refresh(accessToken)).status).toBe(400);
  });

  it('of somebody who has no role any more gets nothing', async () => {
    const { person, refreshToken } = await logIn();
    await scene.people.store.revoke(person, { role: 'auditor' });
    expect(codeOf(await refresh(refreshToken))).toBe('ACCOUNT_UNKNOWN');
    expect(scene.told).toEqual(['login local', 'denied ACCOUNT_UNKNOWN']);
  });
});

describe('a login', () => {
  it('is ended by logging out, as often as one likes', async () => {
    const { refreshToken } = await logIn();
    for (let i = 0; i < 2; i++) {
      const { json } = await scene.ask('/api/v1/login/logout', { token: null, body: { refreshToken } });
      expect(json).toEqual({ loggedOut: true });
    }
    expect(codeOf(await refresh(refreshToken))).toBe('LOGIN_REQUIRED');
  });

  it('is written down before it counts: when that fails there is none', async () => {
    const person = await scene.person({ role: 'auditor' });
    const account = (await scene.people.store.find(person))!;
    scene.ledger.record = () => Promise.reject(new Error('the disk is full'));
    await expect(logins.open(account, 1, 'local')).rejects.toThrow('the disk is full');
  });

  it('tells the ledger a pseudonym and no name', async () => {
    const { person } = await logIn();
    expect(scene.ledger.events).toEqual([{ type: 'user.login', person, method: 'local' }]);
  });
});

describe('refusals', () => {
  it('are written down sixty times a minute at most, so that strangers cannot fill the log', async () => {
    const denials = new Denials(scene.ledger, scene.clock);
    const noted = async (): Promise<number> => {
      for (let i = 0; i < 100; i++) await denials.note('ACCESS_DENIED');
      return scene.ledger.events.splice(0).length;
    };
    expect(await noted()).toBe(60);
    expect(await noted()).toBe(0);
    scene.clock.advance(60_000);
    expect(await noted()).toBe(60);
  });

  it('for want of any token are not written down', async () => {
    for (let i = 0; i < 5; i++) await scene.ask('/api/v1/whoami', { token: null });
    expect(scene.told).toEqual([]);
  });
});
