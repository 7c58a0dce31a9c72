import { fingerprintWords, newSigningKey, openRoster, signRoster, createRoot, type Roster } from '@consilium/identity';
import { ManualClock } from '@consilium/stdx';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupts } from '../interrupts.js';
import { runCommand } from '../program.js';
import { answer, fixtureCoordinator, refuse, TOKEN, type FixtureCoordinator } from '../testing/coordinator.fixture.js';
import { foundFederation, PEOPLE, publicKeyOf, type TestFederation } from '../testing/federation.fixture.js';
import { memoryTerminal, type MemoryTerminal } from '../testing/terminal.fixture.js';

let fixture: FixtureCoordinator;
let federation: TestFederation;
let folder: string;
const north = newSigningKey();
const words = fingerprintWords(north.publicKey);
const waiting = { site: 'north', kind: 'join', jurisdiction: 'DK', askedMs: 0, signing: publicKeyOf(north) };

beforeEach(async () => {
  fixture = await fixtureCoordinator();
  folder = await mkdtemp(join(tmpdir(), 'consilium-site-'));
  federation = await foundFederation(folder, ['south']);
  on('GET /api/v1/sites/enrolments', { enrolments: [waiting] });
  on('GET /api/v1/roster', { document: Buffer.from(federation.document).toString('base64') });
  on('PUT /api/v1/roster', { document: '' });
  on('POST /api/v1/sites/enrolments/north/admit', { site: 'north', standing: 'enrolled' });
  on('POST /api/v1/sites/enrolments/north/refuse', { site: 'north', standing: 'refused' });
  on('POST /api/v1/sites/south/revoke', { site: 'south', standing: 'revoked' });
});
afterEach(async () => {
  await fixture.close();
  await rm(folder, { recursive: true });
});

const on = (call: string, value: unknown): void =>
  void fixture.answers.set(call, (_, response) => answer(response, value));

type Answers = (question: string) => string;
async function consilium(argv: string[], answers?: Answers): Promise<MemoryTerminal & { exit: number }> {
  const asked: string[] = [];
  const terminal: MemoryTerminal = {
    ...memoryTerminal({ env: { CONSILIUM_URL: fixture.url, CONSILIUM_TOKEN: TOKEN, CONSILIUM_CONFIG: folder } }),
    ...(answers && {
      ask: async (question: string) => {
        asked.push(question);
        return answers(question);
      },
    }),
  };
  const exit = await runCommand(argv, terminal, new Interrupts(new ManualClock()));
  return { ...terminal, exit };
}
/** The roster that was sent, once its signature has been checked. */
function sent(at = -1): Roster {
  const { roster } = fixture.bodies.at(at) as { roster: string };
  return openRoster(Buffer.from(roster, 'base64'), federation.root.certificatePem);
}

describe('consilium site invite', () => {
  it('shows the token once, and what both sides do next', async () => {
    on('POST /api/v1/sites/invites', {
      token: 'consilium-join.abc',
      id: 'token-0000000000',
      site: 'north',
      expiresMs: 0,
    });
    const { exit, outLines } = await consilium(['site', 'invite', 'north', '--jurisdiction', 'DK', '--minutes', '10']);
    expect([exit, fixture.bodies]).toEqual([0, [{ site: 'north', jurisdiction: 'DK', minutes: 10 }]]);
    expect(outLines).toContain('consilium-join.abc');
    expect(outLines.join('\n')).toContain('consilium agent join TOKEN');
  });

  it('needs the country, and no token lives longer than an hour', async () => {
    expect(await consilium(['site', 'invite', 'north'])).toMatchObject({ exit: 2 });
    const long = await consilium(['site', 'invite', 'north', '--jurisdiction', 'DK', '--minutes', '61']);
    expect([long.exit, fixture.calls]).toEqual([2, []]);
  });
});

describe('consilium site pending', () => {
  it('shows the words of the key itself, whatever the coordinator says about it', async () => {
    on('GET /api/v1/sites/enrolments', { enrolments: [{ ...waiting, fingerprint: 'zoo zoo zoo zoo zoo zoo' }] });
    const { outLines } = await consilium(['site', 'pending']);
    expect(outLines).toEqual(['north (DK) asks to join, 1970-01-01T00:00:00Z', `  ${words}`]);
    const json = await consilium(['site', 'pending', '--json']);
    expect(JSON.parse(json.outLines[0]!)).toMatchObject([{ site: 'north', words }]);
  });

  it('says when nobody waits', async () => {
    on('GET /api/v1/sites/enrolments', { enrolments: [] });
    expect((await consilium(['site', 'pending'])).outLines).toEqual(['No site waits to be admitted.']);
  });
});

describe('consilium site admit', () => {
  const args = (): string[] => ['site', 'admit', 'north', '--root-key', federation.rootKey];

  it('has the words compared, signs the next roster here, and sends nothing but that', async () => {
    const { exit, outLines } = await consilium(args(), () => 'yes');
    expect(exit).toBe(0);
    expect(outLines).toContain(`  ${words}`);
    expect(outLines.at(-1)).toBe('north is admitted with roster 2.');
    const roster = sent();
    expect(roster.version).toBe(2);
    expect(roster.sites).toContainEqual({ name: 'north', signing: waiting.signing, jurisdiction: 'DK' });
    expect(roster.people).toEqual(federation.roster.people);
    expect(JSON.stringify(fixture.bodies)).not.toContain('PRIVATE KEY');
  });

  it.each(['no', '', 'y', 'yes please'])('sends nothing when the answer is “%s”', async (reply) => {
    const { exit, errLines } = await consilium(args(), () => reply);
    expect([exit, errLines[0]]).toEqual([1, expect.stringMatching(/^consilium: FINGERPRINT_MISMATCH/)]);
    expect(fixture.bodies).toEqual([]);
  });

  it('needs somebody to ask, or --yes from a script that compared the words itself', async () => {
    expect(await consilium(args())).toMatchObject({ exit: 2 });
    expect(fixture.bodies).toEqual([]);
    const { exit, outLines } = await consilium([...args(), '--yes', '--json']);
    expect([exit, JSON.parse(outLines[0]!)]).toEqual([0, { site: 'north', words, roster: 2 }]);
  });

  it('believes no roster that the root has not signed: its sites would be signed along', async () => {
    const other = await createRoot({ federation: 'demo', now: Date.now(), days: 1 });
    const mole = { name: 'mole', signing: publicKeyOf(newSigningKey()), jurisdiction: 'DE' };
    const sites = [mole, ...federation.roster.sites];
    const forged = await signRoster({ ...federation.roster, sites } as Roster, other.privateKeyPem);
    on('GET /api/v1/roster', { document: Buffer.from(forged).toString('base64') });
    const { exit, errLines } = await consilium(args(), () => 'yes');
    expect([exit, errLines[0]]).toEqual([1, expect.stringMatching(/^consilium: SIGNATURE_INVALID/)]);
    expect(fixture.bodies).toEqual([]);
  });

  it('takes the roster that was signed elsewhere as it is', async () => {
    const file = join(folder, 'roster-2.json');
    await writeFile(file, 'any document: the coordinator judges it');
    expect((await consilium(['site', 'admit', 'north', '--roster', file])).outLines).toEqual(['north is admitted.']);
    expect(fixture.bodies).toEqual([{ roster: (await readFile(file)).toString('base64') }]);
    expect(await consilium(['site', 'admit', 'north', '--roster', join(folder, 'none')])).toMatchObject({ exit: 1 });
  });

  it('is told one way to sign, not two and not none', async () => {
    expect(await consilium(['site', 'admit', 'north'])).toMatchObject({ exit: 2 });
    expect(await consilium([...args(), '--roster', 'r.json'])).toMatchObject({ exit: 2 });
    expect(await consilium(['site', 'admit', 'north', '--root-key', join(folder, 'other.key')])).toMatchObject({
      exit: 2,
    });
  });

  it('of a site that does not wait is NOT_FOUND', async () => {
    const { exit, errLines } = await consilium(['site', 'admit', 'west', '--root-key', federation.rootKey, '--yes']);
    expect([exit, errLines[0]]).toEqual([1, expect.stringMatching(/^consilium: NOT_FOUND/)]);
  });
});

describe('consilium site draft-roster', () => {
  it('writes what the root is to sign, and the roster before it', async () => {
    const [out, current] = [join(folder, 'draft.json'), join(folder, 'roster-1.json')];
    const root = join(federation.folder, 'root.pem');
    const { exit, outLines } = await consilium([
      ...['site', 'draft-roster', 'north', '--root', root, '--out', out, '--current', current],
    ]);
    expect(exit).toBe(0);
    expect(outLines[1]).toBe(`  ${words}`);
    expect(new Uint8Array(await readFile(current))).toEqual(federation.document);

    const signed = join(folder, 'roster-2.json');
    const sign = [
      'ca',
      'sign-roster',
      '--dir',
      federation.folder,
      '--roster',
      out,
      '--previous',
      current,
      '--out',
      signed,
    ];
    expect((await consilium(sign)).outLines).toContain(`+ site north (DK): ${words}`);
    await consilium(['site', 'admit', 'north', '--roster', signed]);
    expect(sent().sites.map(({ name }) => name)).toEqual(['north', 'south']);
    expect(await consilium(['site', 'draft-roster', 'north', '--root', root, '--out', out])).toMatchObject({ exit: 1 });
  });
});

describe('consilium site refuse and revoke', () => {
  it('refuse tells that it is done', async () => {
    expect((await consilium(['site', 'refuse', 'north'])).outLines).toEqual(['north is refused.']);
  });

  it('revoke shuts the site out at once, and says what is left to do', async () => {
    const { exit, outLines } = await consilium(['site', 'revoke', 'south']);
    expect([exit, fixture.calls]).toEqual([0, ['POST /api/v1/sites/south/revoke']]);
    expect(outLines.join('\n')).toContain('consilium site revoke south --root-key FILE');
  });

  it('revoke with the root’s key also signs a roster without the site', async () => {
    const { outLines } = await consilium(['site', 'revoke', 'south', '--root-key', federation.rootKey]);
    expect(sent().sites).toEqual([]);
    expect(outLines.at(-1)).toBe('Roster 2 lists it no more.');
  });

  it('revoke notices a wrong key file before the site is out', async () => {
    expect(await consilium(['site', 'revoke', 'south', '--root-key', 'wrong'])).toMatchObject({ exit: 2 });
    expect(fixture.calls).toEqual([]);
  });

  it('revoke says that the site is out even where the roster could not be replaced', async () => {
    fixture.answers.set('PUT /api/v1/roster', (_, response) => refuse(response, 'ROSTER_INVALID'));
    const { exit, errLines } = await consilium(['site', 'revoke', 'south', '--root-key', federation.rootKey]);
    expect([exit, errLines[0]]).toEqual([1, 'south is revoked, but the roster still lists it:']);
  });
});

describe('consilium site list', () => {
  it('shows who belongs, under which law, and until when certificates last', async () => {
    const site = { name: 'north', connected: false, lastSeenMs: null, software: null };
    const sites = [
      { ...site, standing: 'enrolled', jurisdiction: 'DK', certificateEndsMs: 0, connected: true },
      { ...site, name: 'south', standing: 'revoked', jurisdiction: 'DE', certificateEndsMs: null },
    ];
    on('GET /api/v1/sites', { sites });
    const { outLines } = await consilium(['site', 'list']);
    expect(outLines[2]).toMatch(/^north +connected +DK +1970-01-01T00:00:00Z +– +–$/);
    expect(outLines[3]).toMatch(/^south +revoked +DE +– +– +–$/);
  });
});

describe('consilium roster', () => {
  it('show believes it only with the root’s signature, and gives the words of each key', async () => {
    const root = join(federation.folder, 'root.pem');
    const { outLines } = await consilium(['roster', 'show', '--root', root]);
    expect(outLines[0]).toBe('Roster 1, signed by the root:');
    expect(outLines.join('\n')).toContain(`${PEOPLE.admin} (admin): ${fingerprintWords(federation.admin.publicKey)}`);
  });

  it('enlist and dismiss sign a next one here, which changes nothing else', async () => {
    const key = newSigningKey();
    const person = 'person-0123456789';
    const enlisted = await consilium([
      ...['roster', 'enlist', person, '--key', publicKeyOf(key), '--role', 'proposer', 'admin'],
      ...['--root-key', federation.rootKey],
    ]);
    expect(enlisted.outLines).toEqual([
      'Roster 2 is in force:',
      `+ ${person} (admin, proposer): ${fingerprintWords(key.publicKey)}`,
    ]);
    expect(sent()).toMatchObject({ version: 2, sites: federation.roster.sites });
    await consilium(['roster', 'dismiss', PEOPLE.admin, '--root-key', federation.rootKey]);
    expect(sent().people.map((one) => one.person)).toEqual([PEOPLE.proposer]);
  });

  it('install puts in force what was signed elsewhere, as it is', async () => {
    const file = join(folder, 'roster-2.json');
    await writeFile(file, 'any document: the coordinator judges it');
    expect((await consilium(['roster', 'install', file])).outLines).toEqual(['The roster is in force.']);
    expect(fixture.bodies).toEqual([{ roster: (await readFile(file)).toString('base64') }]);
    expect(await consilium(['roster', 'install', join(folder, 'none')])).toMatchObject({ exit: 1 });
  });

  it('enlist takes no role and no person that cannot be one', async () => {
    const enlist = (person: string, role: string) =>
      consilium(['roster', 'enlist', person, '--key', 'k', '--role', role, '--root-key', federation.rootKey]);
    expect(await enlist('person-0123456789', 'king')).toMatchObject({ exit: 2 });
    expect(await enlist('somebody', 'admin')).toMatchObject({ exit: 2 });
    expect(fixture.calls).toEqual([]);
  });
});
