import {
  addSignature,
  encodeKeyFile,
  encodePublicKey,
  newSigningKey,
  openEnvelope,
  signEnvelope,
} from '@consilium/identity';
import { completePlan, parsePlan, planDigest, type SignedPlan } from '@consilium/round';
import { ManualClock, type Digest } from '@consilium/stdx';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupts } from '../interrupts.js';
import { runCommand } from '../program.js';
import { parsePlanText } from '../study/plan-file.js';
import { answer, fixtureCoordinator, refuse, TOKEN, type FixtureCoordinator } from '../testing/coordinator.fixture.js';
import { PEOPLE } from '../testing/federation.fixture.js';
import { PLAN_YAML } from '../testing/plan.fixture.js';
import { memoryTerminal, type MemoryTerminal } from '../testing/terminal.fixture.js';

const [proposer, admin] = [newSigningKey(), newSigningKey()];
const draft = parsePlanText(PLAN_YAML).value as Record<string, unknown>;
const publicKey = () => encodePublicKey(newSigningKey().publicKey);
const plan: SignedPlan = completePlan(draft, {
  governance: {
    legalBasis: 'gdpr-6-1-e-9-2-j',
    ethics: { number: 'EK 1', authority: 'Board', expires: '2030-01-31' },
    jurisdictions: ['DE'],
    dataContract: { modality: 'OT', minPatients: 7, deidentified: true },
  },
  roster: {
    version: 4,
    digest: '1'.repeat(64) as Digest,
    coordinator: { signing: publicKey() },
    sites: ['hospital-a', 'hospital-b'].map((name) => ({ name, signing: publicKey(), jurisdiction: 'DE' })),
  },
});
const digest = planDigest(plan);
const proposed = signEnvelope('plan', plan, [proposer]);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const detail = (change: object = {}) => ({
  ...{ digest, study: 'small', createdMs: 0, plan, envelope: base64(proposed) },
  ...{ signers: [{ person: PEOPLE.proposer, roles: ['proposer'] }], refusal: 'PLAN_NOT_SIGNED' },
  ...change,
});
const ready = detail({
  signers: [
    { person: PEOPLE.admin, roles: ['admin'] },
    { person: PEOPLE.proposer, roles: ['proposer'] },
  ],
  refusal: null,
});

let fixture: FixtureCoordinator;
let folder: string;
let file: string;
beforeEach(async () => {
  fixture = await fixtureCoordinator();
  folder = await mkdtemp(join(tmpdir(), 'consilium-plans-'));
  file = join(folder, 'p.yaml');
  await writeFile(file, PLAN_YAML);
  await writeFile(join(folder, 'proposer.key'), encodeKeyFile(proposer));
  await writeFile(join(folder, 'admin.key'), encodeKeyFile(admin, 'a long passphrase'));
  await writeFile(join(folder, 'passphrase'), 'a long passphrase\n');
  on('POST /api/v1/studies/small/plans/complete', { digest, plan });
  on('POST /api/v1/studies/small/plans', detail());
  on(`GET /api/v1/plans/${digest}`, detail());
  on(`POST /api/v1/plans/${digest}/signatures`, ready);
});
afterEach(async () => {
  await fixture.close();
  await rm(folder, { recursive: true });
});

const on = (call: string, value: unknown): void =>
  void fixture.answers.set(call, (_, response) => answer(response, value));

async function consilium(argv: string[], answers?: string[]): Promise<MemoryTerminal & { exit: number }> {
  const terminal: MemoryTerminal = {
    ...memoryTerminal({ env: { CONSILIUM_URL: fixture.url, CONSILIUM_TOKEN: TOKEN, CONSILIUM_CONFIG: folder } }),
    ...(answers && { ask: async () => answers.shift() ?? '' }),
  };
  const exit = await runCommand(argv, terminal, new Interrupts(new ManualClock()));
  return { ...terminal, exit };
}
/** Whose signatures the last envelope carries that was sent. */
function sentSigners(): readonly Uint8Array[] {
  const { envelope } = fixture.bodies.at(-1) as { envelope: string };
  const keys = { any: [proposer.publicKey, admin.publicKey] };
  return openEnvelope(Buffer.from(envelope, 'base64'), 'plan', keys).signers;
}

describe('consilium study create', () => {
  it('registers what the file says, under the name that is given', async () => {
    const study = join(folder, 's.yaml');
    const { governance } = plan;
    await writeFile(study, JSON.stringify({ title: 'T', purpose: 'P', ...governance, sites: ['hospital-a'] }));
    const { exit, outLines } = await consilium(['study', 'create', 'mine', '--file', study]);
    expect([exit, outLines]).toEqual([0, ['Study mine is registered.']]);
    expect(fixture.bodies).toEqual([{ name: 'mine', title: 'T', purpose: 'P', ...governance, sites: ['hospital-a'] }]);
  });
});

describe('consilium study plan', () => {
  const args = (): string[] => ['study', 'plan', file, '--key', join(folder, 'proposer.key')];

  it('has the plan completed, shows what is signed, signs it, and says who is next', async () => {
    const { exit, outLines } = await consilium(args());
    expect(exit).toBe(0);
    expect(fixture.calls).toEqual(['POST /api/v1/studies/small/plans/complete', 'POST /api/v1/studies/small/plans']);
    expect(fixture.bodies[0]).toEqual(JSON.parse(JSON.stringify(parsePlan(draft))));
    expect(sentSigners()).toEqual([proposer.publicKey]);
    const text = outLines.join('\n');
    for (const told of [
      `plan        ${digest}`,
      'sites       hospital-a, hospital-b (keys of roster 4)',
      'law         gdpr-6-1-e-9-2-j, in DE',
      'ethics      EK 1, Board, before 2030-02-01',
      'data        OT, de-identified, at least 7 patients at each site',
      'privacy.mode plain',
      `Signed by ${PEOPLE.proposer} (proposer).`,
      `consilium study sign ${digest} --key FILE`,
    ]) {
      expect(text).toContain(told);
    }
  });

  it.each<[string, object]>([
    ['another seed', { seed: 2 }],
    [
      'another site',
      {
        sites: ['hospital-a'],
        roster: { ...plan.roster, sites: { 'hospital-a': publicKey() } },
        rounds: { ...plan.rounds, minSites: 1 },
      },
    ],
    ['updates that are kept', { audit: { retainUpdates: true } }],
  ])('signs nothing when the coordinator slips in %s', async (_, change) => {
    on('POST /api/v1/studies/small/plans/complete', { digest, plan: { ...plan, ...change } });
    const { exit, errLines } = await consilium(args());
    expect([exit, errLines[0]]).toEqual([1, expect.stringMatching(/^consilium: PLAN_INVALID/)]);
    expect(fixture.calls).toEqual(['POST /api/v1/studies/small/plans/complete']);
  });

  it('signs nothing that is no plan', async () => {
    await writeFile(file, PLAN_YAML.replace('mode: plain', 'mode: private'));
    const { exit, errLines } = await consilium(args());
    expect([exit, errLines[0]!.slice(0, 29)]).toEqual([1, 'consilium: PLAN_NOT_SUPPORTED']);
    expect(fixture.calls).toEqual([]);
  });

  it('needs a key that is there', async () => {
    expect(await consilium(['study', 'plan', file])).toMatchObject({ exit: 2 });
    expect(await consilium(['study', 'plan', file, '--key', join(folder, 'none.key')])).toMatchObject({ exit: 1 });
  });
});

describe('consilium study sign', () => {
  const args = (...more: string[]): string[] => ['study', 'sign', digest, '--key', join(folder, 'admin.key'), ...more];

  it('shows the plan, asks, and adds its signature to those that are there', async () => {
    const { exit, outLines } = await consilium(args(), ['yes', 'a long passphrase']);
    expect(exit).toBe(0);
    expect(outLines.join('\n')).toContain('law         gdpr-6-1-e-9-2-j, in DE');
    expect(new Set(sentSigners())).toEqual(new Set([proposer.publicKey, admin.publicKey]));
    expect(outLines.at(-1)).toBe(`Next: consilium run start ${digest}`);
  });

  it('signs nothing without a yes', async () => {
    expect(await consilium(args(), ['no'])).toMatchObject({ exit: 130 });
    expect(await consilium(args())).toMatchObject({ exit: 2 });
    expect(fixture.bodies).toEqual([]);
  });

  it('takes yes and passphrase from a script', async () => {
    const { exit, outLines } = await consilium(
      args('--yes', '--passphrase-file', join(folder, 'passphrase'), '--json'),
    );
    expect([exit, JSON.parse(outLines.at(-1)!)]).toEqual([
      0,
      { digest, study: 'small', signers: ready.signers, refusal: null },
    ]);
  });

  it('opens no key without its passphrase', async () => {
    const wrong = await consilium(args('--yes'), ['another passphrase']);
    const none = await consilium(args('--yes'));
    for (const { exit, errLines } of [wrong, none]) {
      expect([exit, errLines[0]]).toEqual([1, expect.stringMatching(/^consilium: KEY_LOCKED/)]);
    }
  });

  it('signs no other plan than the one that it shows', async () => {
    const other = signEnvelope('plan', parsePlan({ ...plan, seed: 2 }), [proposer]);
    on(`GET /api/v1/plans/${digest}`, detail({ envelope: base64(other) }));
    const hidden = await consilium(args('--yes'), ['a long passphrase']);
    expect(hidden.errLines.join()).toContain('PLAN_DIGEST_MISMATCH');
    on(`GET /api/v1/plans/${digest}`, detail({ plan: { ...plan, seed: 2 } }));
    expect((await consilium(args('--yes'), ['a long passphrase'])).errLines.join()).toContain('PLAN_DIGEST_MISMATCH');
    expect(fixture.bodies).toEqual([]);
  });

  it('signs again when somebody else has signed in the meantime', async () => {
    let tries = 0;
    fixture.answers.set(`POST /api/v1/plans/${digest}/signatures`, (_, response) => {
      if (++tries > 1) return answer(response, ready);
      on(`GET /api/v1/plans/${digest}`, detail({ envelope: base64(addSignature(proposed, 'plan', proposer)) }));
      return refuse(response, 'ALREADY_EXISTS');
    });
    expect(await consilium(args('--yes'), ['a long passphrase'])).toMatchObject({ exit: 0 });
    expect(tries).toBe(2);
  });

  it('takes a digest, and asks nothing about what is none', async () => {
    expect(await consilium(['study', 'sign', 'p.yaml', '--key', 'k'])).toMatchObject({ exit: 2 });
    expect(fixture.calls).toEqual([]);
  });
});
