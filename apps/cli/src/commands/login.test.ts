import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupts } from '../interrupts.js';
import { LoginServer } from '../people/login-server.fixture.js';
import { runCommand } from '../program.js';
import { answer, fixtureCoordinator, TOKEN, type FixtureCoordinator } from '../testing/coordinator.fixture.js';
import { memoryTerminal, type MemoryTerminal } from '../testing/terminal.fixture.js';

let server: LoginServer;
let folder: string;
beforeEach(async () => {
  server = await LoginServer.open();
  folder = await mkdtemp(join(tmpdir(), 'consilium-login-'));
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

interface Outcome extends MemoryTerminal {
  readonly exit: number;
}
interface Person {
  /** What they type, one answer after the other. */
  readonly types?: readonly string[];
  /** What they do with the address that is shown to them. */
  readonly opens?: (address: URL) => Promise<void>;
  readonly env?: Record<string, string>;
}

/** Runs a command line as somebody at a terminal. */
async function consilium(argv: readonly string[], { types = [], opens, env = {} }: Person = {}): Promise<Outcome> {
  const answers = [...types];
  const terminal = memoryTerminal({ env: { CONSILIUM_CONFIG: folder, CONSILIUM_URL: server.url, ...env } });
  const seeing = {
    ...terminal,
    err: (line: string): void => {
      terminal.err(line);
      if (line.startsWith('  http')) void opens?.(new URL(line.trim()));
    },
    ask: async (question: string): Promise<string> => {
      terminal.err(question);
      return answers.shift() ?? '';
    },
  };
  const exit = await runCommand(
    argv,
    types.length ? seeing : { ...seeing, ask: undefined },
    new Interrupts(new ManualClock()),
  );
  return { ...terminal, exit };
}
const logIn = (): Promise<Outcome> =>
  consilium(['login', '--name', 'a.weber'], { types: ['seven lazy radiologists', '123456'] });

/** The browser of somebody who logs in at once. */
async function browser(address: URL): Promise<void> {
  const query = { state: address.searchParams.get('state')!, code: 'the-code' };
  await fetch(`${address.searchParams.get('redirect_uri')}?${new URLSearchParams(query).toString()}`);
}

describe('consilium login', () => {
  it('shows an address for the browser, and exchanges what comes back', async () => {
    const { exit, outLines } = await consilium(['login'], { opens: browser });
    expect([exit, outLines]).toEqual([0, [`Logged in to ${server.url} as person-0123456789: auditor.`]]);
    expect(server.calls).toEqual(['login', 'login/code']);
    expect(server.bodies[1]).toMatchObject({
      code: 'the-code',
      verifier: expect.stringMatching(/^[\w-]{43}$/),
      redirectUri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/),
    });
  });

  it('--step-up says so to the coordinator', async () => {
    const seen: string[] = [];
    const opens = async (address: URL): Promise<void> => {
      seen.push(address.searchParams.get('step_up') ?? 'no');
      await browser(address);
    };
    await consilium(['login', '--step-up'], { opens });
    await consilium(['login'], { opens });
    expect(seen).toEqual(['true', 'no']);
  });

  it('tells why nobody was let in, with the id that an admin must know', async () => {
    const person = 'person-9876543210';
    const opens = async (address: URL): Promise<void> => {
      const query = { state: address.searchParams.get('state')!, error: 'ACCOUNT_UNKNOWN', person };
      await fetch(`${address.searchParams.get('redirect_uri')}?${new URLSearchParams(query).toString()}`);
    };
    const { exit, errLines } = await consilium(['login'], { opens });
    expect(exit).toBe(1);
    expect(errLines.join('\n')).toMatch(/ACCOUNT_UNKNOWN.*person-9876543210/);
    expect(server.calls).toEqual(['login']);
  });

  it('--name asks for password and code, and shows neither', async () => {
    const { exit, outLines, errLines } = await logIn();
    expect(exit).toBe(0);
    expect(server.bodies[1]).toEqual({ login: 'a.weber', password: 'seven lazy radiologists', code: '123456' });
    expect([...outLines, ...errLines].join('\n')).not.toMatch(/radiologists|access-|refresh-/);
    expect(errLines).toEqual(['Password: ', 'One-time code: ']);
  });

  it('where there is no identity provider asks for the name, and where there is no way says so', async () => {
    server.methods = { oidc: false, local: true };
    expect(await consilium(['login'])).toMatchObject({ exit: 2 });
    server.methods = { oidc: false, local: false };
    const { errLines } = await consilium(['login']);
    expect(errLines[0]).toContain('LOGIN_METHOD_UNAVAILABLE');
  });

  it('says where logins would be kept where the system does not', async () => {
    const { exit, errLines } = await consilium(['login'], { env: { CONSILIUM_CONFIG: '' } });
    expect([exit, errLines[0]]).toEqual([1, expect.stringContaining('CONSILIUM_CONFIG')]);
  });

  it('asks nothing where nobody can answer', async () => {
    const { exit, errLines } = await consilium(['login', '--name', 'a.weber']);
    expect([exit, errLines[0]]).toEqual([2, expect.stringContaining('USAGE')]);
  });

  it('--setup shows what the app is given and then the recovery codes, once', async () => {
    const typed = ['consilium-setup.x', 'seven lazy radiologists', 'seven lazy radiologists', '123456'];
    const { exit, outLines, errLines } = await consilium(['login', '--setup'], { types: typed });
    expect(exit).toBe(0);
    expect(errLines.join('\n')).toContain('ABCD EFGH IJ');
    expect(outLines.join('\n')).toContain('aaaa-bbbb-cccc-dddd');
    expect(server.bodies.at(-1)).toEqual({ secret: typed[0], password: typed[1], code: typed[3] });
  });

  it('--setup wants the new password twice the same', async () => {
    const { exit } = await consilium(['login', '--setup'], {
      types: ['s', 'seven lazy radiologists', 'seven busy ones', '1'],
    });
    expect([exit, server.calls]).toEqual([2, ['login/setup']]);
  });
});

describe('a login', () => {
  it('opens the next commands, without any token in the environment', async () => {
    await logIn();
    const { exit, outLines } = await consilium(['whoami']);
    expect([exit, outLines.slice(0, 2)]).toEqual([0, ['You are person-0123456789.', 'Roles: researcher:trial']]);
    const json = await consilium(['whoami', '--json']);
    expect(JSON.parse(json.outLines[0]!)).toMatchObject({ person: 'person-0123456789' });
  });

  it('remembers its coordinator', async () => {
    await logIn();
    expect((await consilium(['whoami'], { env: { CONSILIUM_URL: '' } })).exit).toBe(0);
  });

  it('gives its token to scripts that ask for it', async () => {
    await logIn();
    expect((await consilium(['whoami', '--token'])).outLines).toEqual(['access-1']);
  });

  it('ends with consilium logout', async () => {
    await logIn();
    expect((await consilium(['logout'])).outLines).toEqual([`Logged out of ${server.url}.`]);
    expect(JSON.parse(await readFile(join(folder, 'logins.json'), 'utf8'))).toMatchObject({ logins: {} });
    const { exit, errLines } = await consilium(['whoami']);
    expect([exit, errLines[0]]).toEqual([1, expect.stringContaining('LOGIN_REQUIRED')]);
    expect(JSON.parse((await consilium(['logout', '--json'])).outLines[0]!)).toMatchObject({ ended: false });
  });
});

describe('consilium account', () => {
  const account = {
    ...{ person: 'person-0123456789', name: 'Dr. A. Weber', login: 'a.weber' },
    ...{ grants: [{ role: 'auditor' }], createdMs: 0, disabledMs: null },
  };
  const invitation = { person: account.person, setupSecret: 'consilium-setup.x', setupExpiresMs: 1 };
  let hub: FixtureCoordinator;
  beforeEach(async () => {
    hub = await fixtureCoordinator();
    const answers: Record<string, unknown> = {
      'GET /api/v1/accounts': { accounts: [account] },
      'POST /api/v1/accounts': invitation,
      [`POST /api/v1/accounts/${account.person}/invite`]: invitation,
      [`POST /api/v1/accounts/${account.person}/erase`]: { erased: account.person },
    };
    for (const verb of ['grant', 'revoke', 'disable'])
      answers[`POST /api/v1/accounts/${account.person}/${verb}`] = account;
    for (const [call, value] of Object.entries(answers))
      hub.answers.set(call, (_, response) => answer(response, value));
  });
  afterEach(() => hub.close());
  const run = (...argv: string[]): Promise<Outcome> =>
    consilium(['account', ...argv], { env: { CONSILIUM_URL: hub.url, CONSILIUM_TOKEN: TOKEN } });

  it('list shows who may do what', async () => {
    const { exit, outLines } = await run('list');
    expect([exit, outLines.join('\n')]).toEqual([0, expect.stringContaining('Dr. A. Weber')]);
    expect(JSON.parse((await run('list', '--json')).outLines[0]!)).toEqual([account]);
  });

  it('create makes an account with roles, and shows the secret to hand over', async () => {
    const roles = ['--role', 'auditor', '--role', 'researcher:trial'];
    const { exit, outLines } = await run('create', 'a.weber', '--name', 'Dr. A. Weber', ...roles);
    expect([exit, outLines.join('\n')]).toEqual([0, expect.stringContaining('consilium-setup.x')]);
    const grants = [{ role: 'auditor' }, { role: 'researcher', study: 'trial' }];
    expect(hub.bodies).toEqual([{ login: 'a.weber', name: 'Dr. A. Weber', grants }]);
    expect((await run('create', 'a.weber', '--role', 'root')).exit).toBe(2);
  });

  it('grant, revoke, disable, invite and erase each call their own address', async () => {
    for (const [verb, ...rest] of [
      ['grant', 'auditor'],
      ['revoke', 'site-operator:alpha'],
      ['disable'],
      ['invite'],
      ['erase'],
    ])
      for (const json of [[], ['--json']])
        expect((await run(verb!, account.person, ...rest, ...json)).exit, verb).toBe(0);
    expect(hub.calls.filter((_, i) => i % 2 === 0)).toEqual(
      ['grant', 'revoke', 'disable', 'invite', 'erase'].map(
        (verb) => `POST /api/v1/accounts/${account.person}/${verb}`,
      ),
    );
    expect(hub.bodies).toEqual([
      { role: 'auditor' },
      { role: 'auditor' },
      { role: 'site-operator', site: 'alpha' },
      { role: 'site-operator', site: 'alpha' },
    ]);
  });
});
