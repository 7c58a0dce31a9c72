import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../fixtures/api.fixture.js';
import { Browser, IdentityProvider } from './identity-provider.fixture.js';
import { challengeOf } from './login-codes.js';
import { OidcProvider, type Checks } from './oidc-provider.js';
import { Scene } from './scene.fixture.js';

const REDIRECT = 'http://127.0.0.1:65000/callback';
const CALLBACK = '/api/v1/login/oidc/callback';

let idp: IdentityProvider;
let scene: Scene;
beforeAll(async () => {
  idp = await IdentityProvider.open();
  // A real provider's tokens tell the real time.
  scene = await Scene.open({ oidc: idp.settings() });
  idp.serve(scene.url + CALLBACK);
});
afterAll(async () => {
  await scene.close();
  await idp.close();
});
beforeEach(() => {
  scene.clock.time = Date.now();
  scene.ledger.events.length = 0;
  Object.assign(idp, { person: `subject-${randomBytes(4).toString('hex')}`, refuses: false, loggedInAt: undefined });
});

const atProgram = (url: URL): boolean => url.href.startsWith(REDIRECT);
const verifier = 'v'.repeat(43);
const beginning = (change: Record<string, string> = {}): string => {
  const query = { redirect_uri: REDIRECT, code_challenge: challengeOf(verifier), state: 's'.repeat(20), ...change };
  return `${scene.url}/api/v1/login/oidc?${new URLSearchParams(query).toString()}`;
};
const exchange = (code: string | null, change: Record<string, string> = {}): Promise<Answer> =>
  scene.ask('/api/v1/login/code', { token: null, body: { code, verifier, redirectUri: REDIRECT, ...change } });

/** Gives the person of the provider a role: they have been here once, and an admin has found them in the list. */
async function known(): Promise<string> {
  const { url } = await new Browser().go(beginning(), atProgram);
  const person = url.searchParams.get('person')!;
  await scene.ask(`/api/v1/accounts/${person}/grant`, { body: { role: 'auditor' } });
  scene.ledger.events.length = 0;
  return person;
}

describe('a login through the identity provider', () => {
  it('brings the program that asked a code, which it exchanges for tokens', async () => {
    const person = await known();
    const browser = new Browser();
    const { url } = await browser.go(beginning(), atProgram);
    expect(url.searchParams.get('state')).toBe('s'.repeat(20));
    const { status, json, headers } = await exchange(url.searchParams.get('code'));
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(json).toMatchObject({ person, roles: ['auditor'], expiresInSeconds: 600 });
    const whoami = await scene.ask('/api/v1/whoami', { token: String(json['accessToken']) });
    expect(whoami.json).toMatchObject({ person, grants: [{ role: 'auditor' }] });
    expect(scene.told).toContain('login oidc');
    // PKCE, state and nonce go to the provider; the program's own verifier goes nowhere.
    const [atProvider] = browser.visited.filter((visited) => visited.includes('/auth?'));
    for (const parameter of ['code_challenge=', 'code_challenge_method=S256', 'state=', 'nonce=', 'max_age=43200'])
      expect(atProvider).toContain(parameter);
    expect(browser.visited.join(' ')).not.toContain(verifier);
  });

  it('gives somebody new an account without a role, and tells them which id an admin must know', async () => {
    const { url } = await new Browser().go(beginning(), atProgram);
    expect([url.searchParams.get('code'), url.searchParams.get('error')]).toEqual([null, 'ACCOUNT_UNKNOWN']);
    const person = url.searchParams.get('person');
    const { json } = await scene.ask('/api/v1/accounts');
    expect(Object.values(json['accounts']!)).toContainEqual(
      expect.objectContaining({ person, name: `Dr. ${idp.person}`, grants: [], login: null }),
    );
    expect(scene.told).toContain('denied ACCOUNT_UNKNOWN');
    // Again, it is the same account.
    const again = await new Browser().go(beginning(), atProgram);
    expect(again.url.searchParams.get('person')).toBe(person);
  });

  it('knows a person by issuer and subject, never by a name that they choose', async () => {
    const person = await known();
    const account = await scene.people.store.find(person as never);
    expect(account?.subject).toEqual({ issuer: idp.issuer, subject: idp.person });
    idp.person += '-2';
    const { url } = await new Browser().go(beginning(), atProgram);
    expect(url.searchParams.get('error')).toBe('ACCOUNT_UNKNOWN');
  });

  it('proves when they last logged in: a session at the provider is enough, but not for a step-up', async () => {
    await known();
    const browser = new Browser();
    idp.loggedInAt = Math.floor(Date.now() / 1000) - 3600;
    await browser.go(beginning(), atProgram);
    const asked = idp.asked;
    const later = await browser.go(beginning(), atProgram);
    expect(idp.asked).toBe(asked);
    const { json } = await exchange(later.url.searchParams.get('code'));
    const whoami = await scene.ask('/api/v1/whoami', { token: String(json['accessToken']) });
    expect(Date.now() - Number(whoami.json['authMs'])).toBeGreaterThan(3_500_000);

    idp.loggedInAt = undefined;
    const stepped = await browser.go(beginning({ step_up: 'true' }), atProgram);
    expect(idp.asked).toBe(asked + 1);
    const fresh = await exchange(stepped.url.searchParams.get('code'));
    const now = await scene.ask('/api/v1/whoami', { token: String(fresh.json['accessToken']) });
    expect(Date.now() - Number(now.json['authMs'])).toBeLessThan(60_000);
  });

  it('that the provider refuses is told by our code, and nothing that the provider wrote', async () => {
    idp.refuses = true;
    const { url } = await new Browser().go(beginning(), atProgram);
    expect(url.search).toContain('error=LOGIN_FAILED');
    expect(url.search).not.toContain('4711');
    expect(scene.told).toContain('denied LOGIN_FAILED');
  });
});

describe('the code for the program', () => {
  const codeFor = async (): Promise<string> =>
    (await new Browser().go(beginning(), atProgram)).url.searchParams.get('code')!;

  it('works once, also for fifty at once', async () => {
    await known();
    const code = await codeFor();
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it.each([
    ['another verifier', { verifier: 'w'.repeat(43) }],
    ['another address', { redirectUri: 'http://127.0.0.1:65001/callback' }],
  ])('is nothing with %s, and spent by the attempt', async (_, change) => {
    await known();
    const code = await codeFor();
    expect((await exchange(code, change)).json).toMatchObject({ error: { code: 'LOGIN_FAILED' } });
    expect((await exchange(code)).status).toBe(401);
  });

  it('is nothing after a minute', async () => {
    await known();
    const code = await codeFor();
    scene.clock.advance(60_000);
    expect((await exchange(code)).status).toBe(401);
  });

  it('is given for no role that was taken away meanwhile', async () => {
    const person = await known();
    const code = await codeFor();
    await scene.ask(`/api/v1/accounts/${person}/revoke`, { body: { role: 'auditor' } });
    expect((await exchange(code)).json).toMatchObject({ error: { code: 'ACCOUNT_UNKNOWN' } });
  });
});

describe('the way through the browser', () => {
  it.each([
    'https://attacker.example/callback',
    'http://127.0.0.1.attacker.example:1/callback',
    'http://localhost:65000/callback',
    'http://127.0.0.1:65000/elsewhere',
    'http://127.0.0.1:65000/callback?next=https://attacker.example',
    'http://user@127.0.0.1:65000/callback',
    'javascript:alert(1)',
  ])('never leads to %s', async (redirectUri) => {
    const response = await new Browser().visit(new URL(beginning({ redirect_uri: redirectUri })));
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  it('cannot be finished by another browser than the one that began it', async () => {
    await known();
    const atCallback = (url: URL): boolean => url.pathname === CALLBACK;
    const [mine, theirs] = [new Browser(), new Browser()];
    const { url } = await mine.go(beginning(), atCallback);
    expect((await theirs.visit(url)).status).toBe(401);
    // The control: in its own browser it is good, once.
    expect((await mine.visit(url)).status).toBe(302);
    expect((await mine.visit(url)).status).toBe(401);
  });

  it('ends after ten minutes', async () => {
    await known();
    const browser = new Browser();
    const { url } = await browser.go(beginning(), (at) => at.pathname === CALLBACK);
    scene.clock.advance(10 * 60_000);
    expect((await browser.visit(url)).status).toBe(401);
  });

  it('refuses an answer whose code, state or issuer was changed', async () => {
    await known();
    for (const [parameter, value] of [
      ['code', 'another'],
      ['iss', 'https://attacker.example'],
    ] as const) {
      const browser = new Browser();
      const { url } = await browser.go(beginning(), (at) => at.pathname === CALLBACK);
      url.searchParams.set(parameter, value);
      const answer = await browser.visit(url);
      expect(answer.headers.get('location'), parameter).toContain('error=LOGIN_FAILED');
    }
    expect((await new Browser().visit(new URL(`${scene.url}${CALLBACK}?state=none&code=x`))).status).toBe(401);
  });

  it('keeps the cookie from scripts and other sites', async () => {
    const response = await new Browser().visit(new URL(beginning()));
    expect(response.headers.get('set-cookie')).toMatch(
      /^consilium-login=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/,
    );
  });

  it('is limited in number: what was begun first is forgotten first', async () => {
    await known();
    const browser = new Browser();
    const { url } = await browser.go(beginning(), (at) => at.pathname === CALLBACK);
    for (let i = 0; i < 1_000; i += 50)
      await Promise.all(Array.from({ length: 50 }, () => fetch(beginning(), { redirect: 'manual' })));
    expect((await browser.visit(url)).status).toBe(401);
  });
});

describe('an identity provider', () => {
  it('that cannot be reached is named, and asked again at the next login', async () => {
    const gone = await IdentityProvider.open();
    const other = await Scene.open({ oidc: gone.settings() });
    await gone.close();
    const answer = (): Promise<Answer> => other.ask(beginning().replace(scene.url, ''), { token: null });
    for (let i = 0; i < 2; i++)
      expect((await answer()).json).toMatchObject({ error: { code: 'IDENTITY_PROVIDER_UNAVAILABLE' } });
    await other.close();
  });

  it('that there is none is said so', async () => {
    const none = await Scene.open();
    expect((await none.ask('/api/v1/login', { token: null })).json).toEqual({ oidc: false, local: true });
    const { json } = await none.ask(beginning().replace(scene.url, ''), { token: null });
    expect(json).toMatchObject({ error: { code: 'LOGIN_METHOD_UNAVAILABLE' } });
    await none.close();
  });

  it('is believed only for our own secret, state, nonce, verifier and age', async () => {
    const callback = scene.url + CALLBACK;
    const [right, wrong] = [idp.settings(), idp.settings({ clientSecret: 'another' })].map(
      (one) => new OidcProvider(one),
    );
    const vouched = async (by: OidcProvider, change: Partial<Checks>): Promise<unknown> => {
      const { url, checks } = await right!.authorization(callback, false);
      const back = await new Browser().go(url, (at) => at.pathname === CALLBACK);
      return by.vouch(back.url, { ...checks, ...change }).catch((error: unknown) => error);
    };
    const refused: Partial<Checks>[] = [{ state: 'x' }, { nonce: 'x' }, { verifier: 'x'.repeat(43) }];
    for (const change of refused) expect(await vouched(right!, change)).toMatchObject({ code: 'LOGIN_FAILED' });
    expect(await vouched(wrong!, {})).toMatchObject({ code: 'LOGIN_FAILED' });
    idp.loggedInAt = Math.floor(Date.now() / 1000) - 1_000;
    expect(await vouched(right!, { maxAgeSeconds: 300 })).toMatchObject({ code: 'LOGIN_FAILED' });
    // The control: with everything as it was, and for our real terms, it is.
    expect(await vouched(right!, {})).toMatchObject({ subject: { issuer: idp.issuer, subject: idp.person } });
  });
});
