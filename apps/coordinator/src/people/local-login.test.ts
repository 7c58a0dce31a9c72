import { TOTP } from 'otpauth';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../fixtures/api.fixture.js';
import { Scene } from './scene.fixture.js';

const PASSWORD = 'seven lazy radiologists';
const STEP_MS = 30_000;

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

const post = (path: string, body: unknown): Promise<Answer> => scene.ask(`/api/v1/${path}`, { token: null, body });
const codeOf = ({ json }: Answer): unknown => json['error']?.['code'];
const logIn = (given: Record<string, string>): Promise<Answer> =>
  post('login/local', { login: 'a.weber', password: PASSWORD, ...given });

interface Member {
  readonly person: string;
  readonly recoveryCodes: string[];
  /** What the app shows now. */
  code(): string;
}

const invite = async (login = 'a.weber'): Promise<{ person: string; secret: string }> => {
  const { json } = await scene.ask('/api/v1/accounts', { body: { login, grants: [{ role: 'auditor' }] } });
  return { person: String(json['person']), secret: String(json['setupSecret']) };
};

/** Somebody with an account, set up as a person does it. */
async function member(login = 'a.weber'): Promise<Member> {
  const { person, secret } = await invite(login);
  const totp = new TOTP({ secret: String((await post('login/setup', { secret })).json['secret']) });
  const code = (): string => totp.generate({ timestamp: scene.clock.now() });
  const done = await post('login/setup/complete', { secret, password: PASSWORD, code: code() });
  expect(done.status).toBe(200);
  scene.clock.advance(STEP_MS);
  scene.ledger.events.length = 0;
  return { person, code, recoveryCodes: done.json['recoveryCodes'] as unknown as string[] };
}

describe('setting up an account', () => {
  it('takes a one-time secret, a password and a code, and then one can log in', async () => {
    const { person, code, recoveryCodes } = await member();
    expect(recoveryCodes).toHaveLength(10);
    const { status, json, headers } = await logIn({ code: code() });
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(json).toMatchObject({ person, roles: ['auditor'] });
    expect(scene.told).toEqual(['login local']);
  });

  it('shows the same secret for the app until it is completed', async () => {
    const { secret } = await invite();
    const [first, second] = [await post('login/setup', { secret }), await post('login/setup', { secret })];
    expect(first.json).toMatchObject({ login: 'a.weber', uri: expect.stringContaining('otpauth://totp/') });
    expect(second.json).toEqual(first.json);
  });

  it('is done once, also by fifty at once', async () => {
    const { secret } = await invite();
    const totp = new TOTP({ secret: String((await post('login/setup', { secret })).json['secret']) });
    const completion = { secret, password: PASSWORD, code: totp.generate({ timestamp: scene.clock.now() }) };
    const answers: Answer[] = [];
    for (let i = 0; i < 50; i += 10)
      answers.push(...(await Promise.all(Array.from({ length: 10 }, () => post('login/setup/complete', completion)))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    // The others have locked their address, for a while.
    scene.clock.advance(60 * 60_000);
    expect(codeOf(await post('login/setup', { secret }))).toBe('LOGIN_FAILED');
  });

  it('is refused with a wrong code, a weak password, a wrong secret and before the code was shown', async () => {
    const { secret } = await invite();
    const complete = (change: object): Promise<Answer> =>
      post('login/setup/complete', { secret, password: PASSWORD, code: '000000', ...change });
    expect(codeOf(await complete({}))).toBe('LOGIN_FAILED');
    const totp = new TOTP({ secret: String((await post('login/setup', { secret })).json['secret']) });
    const code = totp.generate({ timestamp: scene.clock.now() });
    expect(codeOf(await complete({ code: code === '000000' ? '000001' : '000000' }))).toBe('LOGIN_FAILED');
    expect(codeOf(await complete({ code, password: 'a.weber' }))).toBe('PASSWORD_TOO_WEAK');
    expect(codeOf(await complete({ code, secret: 'consilium-setup.none' }))).toBe('LOGIN_FAILED');
    expect((await complete({ code })).status).toBe(200);
  });

  it('must happen within three days', async () => {
    const { secret } = await invite();
    scene.clock.advance(3 * 24 * 60 * 60_000 + 1);
    expect(codeOf(await post('login/setup', { secret }))).toBe('LOGIN_FAILED');
  });

  it('anew makes the old password, codes and logins worthless, once it is completed', async () => {
    const { person, code, recoveryCodes } = await member();
    const before = await logIn({ code: code() });
    const { json } = await scene.ask(`/api/v1/accounts/${person}/invite`, { method: 'POST' });
    const secret = String(json['setupSecret']);
    scene.clock.advance(STEP_MS);
    expect((await logIn({ code: code() })).status).toBe(200);
    const totp = new TOTP({ secret: String((await post('login/setup', { secret })).json['secret']) });
    const fresh = totp.generate({ timestamp: scene.clock.now() });
    await post('login/setup/complete', { secret, password: 'eight busy oncologists', code: fresh });
    scene.clock.advance(STEP_MS);
    for (const old of [code(), recoveryCodes[0]!]) expect(codeOf(await logIn({ code: old }))).toBe('LOGIN_FAILED');
    const { refreshToken } = before.json as unknown as { refreshToken: string };
    expect(codeOf(await post('login/refresh', { refreshToken }))).toBe('LOGIN_REQUIRED');
  });

  it('keeps nothing that opens: neither the password nor any code', async () => {
    const { person, recoveryCodes } = await member();
    const kept = JSON.stringify(await scene.people.store.credential(person as never));
    for (const secret of [PASSWORD, ...recoveryCodes]) expect(kept).not.toContain(secret);
    expect(kept).toContain('$argon2id$');
  });
});

describe('logging in', () => {
  it('gives one answer for an unknown name, a wrong password, a wrong code and a disabled account', async () => {
    const { person, code } = await member();
    const answers = [
      await logIn({ login: 'nobody', code: code() }),
      await logIn({ password: 'eight busy oncologists', code: code() }),
      await logIn({ code: code() === '123456' ? '654321' : '123456' }),
    ];
    await scene.people.store.disable(person as never, 1);
    answers.push(await logIn({ code: code() }));
    const [first] = answers;
    for (const { status, text } of answers) expect([status, text]).toEqual([401, first!.text]);
    expect(first!.json).toMatchObject({ error: { code: 'LOGIN_FAILED', facts: {} } });
    expect(scene.told).toEqual(answers.map(() => 'denied LOGIN_FAILED'));
  });

  it('takes each code once: one that was seen over a shoulder is worth nothing', async () => {
    const { code } = await member();
    const seen = code();
    expect((await logIn({ code: seen })).status).toBe(200);
    expect(codeOf(await logIn({ code: seen }))).toBe('LOGIN_FAILED');
    scene.clock.advance(STEP_MS);
    expect(codeOf(await logIn({ code: seen }))).toBe('LOGIN_FAILED');
    expect((await logIn({ code: code() })).status).toBe(200);
  });

  it('does not take the code with which the account was set up', async () => {
    const { code } = await member();
    scene.clock.advance(-STEP_MS);
    expect(codeOf(await logIn({ code: code() }))).toBe('LOGIN_FAILED');
  });

  it('does not spend a code on a wrong password', async () => {
    const { code } = await member();
    expect((await logIn({ password: 'eight busy oncologists', code: code() })).status).toBe(401);
    expect((await logIn({ code: code() })).status).toBe(200);
  });

  it('takes a recovery code instead of one of the app, once, and the password all the same', async () => {
    const { recoveryCodes } = await member();
    const [first, second] = recoveryCodes;
    expect((await logIn({ password: 'eight busy oncologists', code: first! })).status).toBe(401);
    expect((await logIn({ code: first!.toUpperCase() })).status).toBe(200);
    expect(codeOf(await logIn({ code: first! }))).toBe('LOGIN_FAILED');
    expect((await logIn({ code: second! })).status).toBe(200);
  });

  it('is a step-up', async () => {
    const { code } = await member();
    const { json } = await logIn({ code: code() });
    const whoami = await scene.ask('/api/v1/whoami', { token: String(json['accessToken']) });
    expect(whoami.json['authMs']).toBe(scene.clock.now());
  });

  it('is not offered where the settings say so', async () => {
    const none = await Scene.open({ local: false });
    const ask = (path: string, body: object): Promise<Answer> => none.ask(path, { token: null, body });
    for (const answer of [
      await ask('/api/v1/login/local', { login: 'a', password: 'p', code: '123456' }),
      await ask('/api/v1/login/setup', { secret: 's' }),
      await ask('/api/v1/login/setup/complete', { secret: 's', password: 'p', code: '123456' }),
    ])
      expect(codeOf(answer)).toBe('LOGIN_METHOD_UNAVAILABLE');
    await none.close();
  });
});

describe('guessing', () => {
  it('locks an account, also against the right password, until the wait is over', async () => {
    const { code } = await member();
    for (let i = 0; i < 5; i++)
      expect(codeOf(await logIn({ password: `guess ${i}`, code: code() }))).toBe('LOGIN_FAILED');
    const locked = await logIn({ code: code() });
    expect(locked.json).toMatchObject({ error: { code: 'ACCOUNT_LOCKED', facts: { retryAfterSeconds: 15 } } });
    expect([locked.status, locked.headers.get('retry-after')]).toEqual([429, '15']);
    scene.clock.advance(15_000);
    expect((await logIn({ code: code() })).status).toBe(200);
  });

  it('locks a name that nobody has in the same way', async () => {
    for (let i = 0; i < 5; i++) expect(codeOf(await logIn({ login: 'nobody', code: '123456' }))).toBe('LOGIN_FAILED');
    expect(codeOf(await logIn({ login: 'nobody', code: '123456' }))).toBe('ACCOUNT_LOCKED');
  });

  it('of many at once gets no more tries than one after the other', async () => {
    const { code } = await member();
    const tried = Array.from({ length: 50 }, (_, i) => logIn({ password: `guess number ${i}`, code: code() }));
    const codes = (await Promise.all(tried)).map(codeOf);
    expect(codes.filter((told) => told === 'LOGIN_FAILED')).toHaveLength(5);
  });

  it('of many names locks the address', async () => {
    const codes: unknown[] = [];
    for (let i = 0; i < 31; i++) codes.push(codeOf(await logIn({ login: `name${i}`, code: '123456' })));
    expect(codes.filter((told) => told === 'LOGIN_FAILED')).toHaveLength(30);
    expect(codes.at(-1)).toBe('ACCOUNT_LOCKED');
    // And with it set-up secrets.
    expect(codeOf(await post('login/setup', { secret: 'guess' }))).toBe('ACCOUNT_LOCKED');
  });
});
