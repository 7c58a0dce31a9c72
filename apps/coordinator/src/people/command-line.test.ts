import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOTP } from 'otpauth';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Interrupts } from '../../../cli/src/interrupts.js';
import { runCommand } from '../../../cli/src/program.js';
import { memoryTerminal } from '../../../cli/src/testing/terminal.fixture.js';
import { TOKEN } from '../fixtures/hub.fixture.js';
import { Browser, IdentityProvider } from './identity-provider.fixture.js';
import { Scene } from './scene.fixture.js';

/** `consilium login` as a person types it, against a real coordinator's API and a real identity provider. */
let idp: IdentityProvider;
let scene: Scene;
let folder: string;
beforeAll(async () => {
  idp = await IdentityProvider.open();
  scene = await Scene.open({ oidc: idp.settings() });
  idp.serve(`${scene.url}/api/v1/login/oidc/callback`);
  folder = await mkdtemp(join(tmpdir(), 'consilium-login-'));
});
afterAll(async () => {
  await scene.close();
  await idp.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => void (scene.clock.time = Date.now()));

interface Person {
  readonly types?: readonly (string | (() => string))[];
  /** Their own folder; the machine's token where there is none. */
  readonly config?: string;
}

async function consilium(command: string, { types = [], config }: Person): Promise<{ exit: number; text: string }> {
  const env = {
    CONSILIUM_URL: scene.url,
    CONSILIUM_CONFIG: join(folder, config ?? 'nobody'),
    ...(config === undefined && { CONSILIUM_TOKEN: TOKEN }),
  };
  const terminal = memoryTerminal({ env, columns: 200 });
  const answers = [...types];
  const browser = new Browser();
  const exit = await runCommand(
    command.split(' '),
    {
      ...terminal,
      err: (line) => {
        terminal.err(line);
        const address = /^ {2}(http:\S+\/login\/oidc\S*)$/.exec(line)?.[1];
        // What their browser does with the address, to the very page that the command line answers.
        if (address) void browser.go(address, () => false);
      },
      ask: async () => {
        const next = answers.shift() ?? '';
        return typeof next === 'string' ? next : next();
      },
    },
    new Interrupts({ monotonic: () => 0 }),
  );
  return { exit, text: [...terminal.outLines, ...terminal.errLines].join('\n') };
}

it('a person of the identity provider logs in, is told that they have no role, gets one, and works', async () => {
  idp.person = 'dr-weber';
  const config = 'weber';
  const first = await consilium('login', { config });
  expect([first.exit, first.text]).toEqual([1, expect.stringContaining('ACCOUNT_UNKNOWN')]);
  const person = /person-[0-9a-z]{16}/.exec(first.text)![0];
  const list = await consilium('account list', {});
  expect(list.text).toMatch(new RegExp(`${person} +Dr\\. dr-weber +– +none`));
  expect((await consilium(`account grant ${person} researcher:lung-nodule`, {})).exit).toBe(0);

  expect(await consilium('login', { config })).toMatchObject({ exit: 0, text: expect.stringContaining(person) });
  const whoami = await consilium('whoami', { config });
  expect(whoami.text).toContain('Roles: researcher:lung-nodule');
  // The account's own command is not for researchers.
  expect((await consilium('account list', { config })).text).toContain('ACCESS_DENIED');
  const kept = await readFile(join(folder, config, 'logins.json'), 'utf8');
  expect((await consilium('whoami --token', { config })).text).toBe(
    (JSON.parse(kept) as { logins: Record<string, { accessToken: string }> }).logins[scene.url]!.accessToken,
  );

  expect((await consilium('logout', { config })).exit).toBe(0);
  expect((await consilium('whoami', { config })).text).toContain('LOGIN_REQUIRED');
});

it('an admin without an identity provider sets up an account, steps up, and makes others', async () => {
  const config = 'admin';
  const created = await consilium('account create c.meier --role admin', {});
  const secret = /consilium-setup\.\S+/.exec(created.text)![0];
  // They read the app's secret off the screen before they answer.
  const { json } = await scene.ask('/api/v1/login/setup', { token: null, body: { secret } });
  const totp = new TOTP({ secret: String(json['secret']) });
  const code = (): string => totp.generate({ timestamp: scene.clock.now() });
  const password = 'seven lazy radiologists';
  const setup = await consilium('login --setup', { config, types: [secret, password, password, code] });
  expect([setup.exit, setup.text]).toEqual([0, expect.stringContaining('recovery codes')]);
  expect(setup.text).not.toContain(password);

  scene.clock.advance(30_000);
  expect((await consilium('login --name c.meier', { config, types: [password, code] })).exit).toBe(0);
  expect((await consilium('account create d.wolf --role auditor', { config })).exit).toBe(0);

  // Five minutes later the proof is too old for this.
  scene.clock.advance(6 * 60_000);
  const old = await consilium('account create e.fuchs --role auditor', { config });
  expect([old.exit, old.text]).toEqual([1, expect.stringContaining('STEP_UP_REQUIRED')]);
  expect(old.text).toContain('consilium login --step-up');
  const stepped = await consilium('login --name c.meier --step-up', { config, types: [password, code] });
  expect(stepped.exit).toBe(0);
  expect((await consilium('account create e.fuchs --role auditor', { config })).exit).toBe(0);
});
