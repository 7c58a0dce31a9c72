import { TOTP } from 'otpauth';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLog } from '../log.js';
import { Browser, CLIENT, IdentityProvider } from './identity-provider.fixture.js';
import { challengeOf } from './login-codes.js';
import { Scene } from './scene.fixture.js';

/** Every way to log in, and every way for it to fail, with a log that keeps all that is written to it. */
const PASSWORD = 'seven lazy radiologists';
const VERIFIER = 'verifier'.repeat(6);
const REDIRECT = 'http://127.0.0.1:65000/callback';

const lines: string[] = [];
let idp: IdentityProvider;
let scene: Scene;
beforeAll(async () => {
  idp = await IdentityProvider.open();
  const destination = { write: (line: string) => void lines.push(line) };
  const log = await openLog({ level: 'trace', format: 'json', destination });
  scene = await Scene.open({ oidc: idp.settings(), log });
  scene.clock.time = Date.now();
  idp.serve(`${scene.url}/api/v1/login/oidc/callback`);
});
afterAll(async () => {
  await scene.close();
  await idp.close();
});

it('no secret of a login stands in the log, nor in the ledger, nor in the answer to a failure', async () => {
  const secrets: string[] = [PASSWORD, VERIFIER, CLIENT.clientSecret];
  const failures: string[] = [];
  const ask = async (path: string, body: object, token: string | null = null): Promise<Record<string, string>> => {
    const { status, json, text } = await scene.ask(`/api/v1/${path}`, { body, token });
    const told = json as unknown as Record<string, string>;
    if (status >= 400) failures.push(text);
    for (const name of ['accessToken', 'refreshToken', 'setupSecret', 'secret'])
      if (told[name]) secrets.push(told[name]);
    return told;
  };
  // A local account: set up, logged in, refreshed, a token used twice, logged out.
  const { setupSecret = '' } = await scene
    .ask('/api/v1/accounts', { body: { login: 'a.weber', grants: [{ role: 'auditor' }] } })
    .then(({ json }) => json as unknown as Record<string, string>);
  secrets.push(setupSecret);
  const { secret = '' } = await ask('login/setup', { secret: setupSecret });
  const code = (): string => new TOTP({ secret }).generate({ timestamp: scene.clock.now() });
  await ask('login/setup/complete', { secret: setupSecret, password: PASSWORD, code: '000000' });
  await ask('login/setup/complete', { secret: setupSecret, password: PASSWORD, code: code() });
  scene.clock.advance(30_000);
  await ask('login/local', { login: 'a.weber', password: PASSWORD, code: '000000' });
  const { refreshToken = '' } = await ask('login/local', { login: 'a.weber', password: PASSWORD, code: code() });
  await ask('login/refresh', { refreshToken });
  await ask('login/refresh', { refreshToken });
  await ask('login/logout', { refreshToken });
  // The identity provider: a good way, a refused one, a wrong verifier.
  const query = { redirect_uri: REDIRECT, code_challenge: challengeOf(VERIFIER), state: 'state'.repeat(5) };
  const begin = `${scene.url}/api/v1/login/oidc?${new URLSearchParams(query).toString()}`;
  const go = async (): Promise<URL> => (await new Browser().go(begin, (url) => url.href.startsWith(REDIRECT))).url;
  const person = (await go()).searchParams.get('person')!;
  await scene.ask(`/api/v1/accounts/${person}/grant`, { body: { role: 'auditor' } });
  for (const verifier of ['wrong'.repeat(9), VERIFIER]) {
    const oneTime = (await go()).searchParams.get('code')!;
    secrets.push(oneTime);
    await ask('login/code', { code: oneTime, verifier, redirectUri: REDIRECT });
  }
  idp.refuses = true;
  await go();
  // And a bug, whose stack the log keeps.
  scene.ledger.record = () => Promise.reject(new Error('the disk is full'));
  await ask('login/local', { login: 'a.weber', password: PASSWORD, code: code() });

  const written = lines.join('') + JSON.stringify(scene.ledger.events) + failures.join('');
  expect(failures.length).toBeGreaterThan(4);
  expect(lines.join('')).toContain('the disk is full');
  expect(secrets.length).toBeGreaterThan(10);
  for (const one of secrets) expect(written.includes(one), one.slice(0, 12)).toBe(false);
  // The control: what is written is found.
  expect(written).toContain('user.login');
});
