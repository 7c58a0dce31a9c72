import { signEnvelope, type Approval } from '@consilium/identity';
import { planDigest } from '@consilium/round';
import { digest, digestOf, siteName, type Digest, type RunId } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryBundle, pathOn } from '../bundle/bundle.js';
import { Findings } from '../findings.js';
import type { RunReplay } from '../replay/run-replay.js';
import { FEDERATION, newParties, START_MS, type Parties } from '../testing/parties.fixture.js';
import { smallPlan } from '../testing/plan.fixture.js';
import { auditApprovals } from './approvals.js';
import type { Dossier } from './dossier.js';
import { Files } from './files.js';
import type { CoordinatorRecord, SiteRecord } from './recorded.js';
import { Rosters } from './rosters.js';
import { auditStanding } from './standing.js';
import { nodeTools } from './tools.js';

const aarhus = siteName('aarhus');
const DATA = digest('d'.repeat(64));
const [FIRST, SECOND] = ['run-1111111111', 'run-2222222222'] as [RunId, RunId];

let parties: Parties;
let plan: ReturnType<typeof smallPlan>;
beforeAll(async () => {
  parties = await newParties(['aarhus']);
  plan = smallPlan(parties, { rounds: { count: 2, minSites: 1, deadlineSeconds: 600 } });
});

const STANDING = { dataset: DATA, modelFamily: DATA, rounds: 4, expiresMs: START_MS + 1e9 };

/** An approval of aarhus; its people sign it unless it is used under a standing one. */
function approval(run: RunId | null, change: Partial<Approval> = {}): Uint8Array {
  const { key, approvers } = parties.sites.get(aarhus)!;
  const words: Approval = {
    schema: 'consilium.approval/1',
    federation: FEDERATION,
    study: plan.study,
    plan: run && planDigest(plan),
    run,
    envelope: null,
    site: aarhus,
    dataset: DATA,
    by: 'people',
    expiresMs: START_MS + 1e9,
    atMs: START_MS,
    ...change,
  };
  const people = words.by === 'people' ? approvers.map((one) => one.key) : [];
  return signEnvelope('approval', words, [key, ...people]);
}

interface Told {
  readonly run: RunId;
  readonly envelope: Uint8Array;
}

/** A dossier with these decisions at the coordinator, and this log of aarhus. */
async function dossierOf(
  told: readonly Told[],
  own: readonly object[],
  more: readonly Uint8Array[] = [],
): Promise<Dossier> {
  const documents = [...told.map(({ envelope }) => envelope), ...more, parties.rosterDocument];
  const files = new Map(documents.map((bytes) => [pathOn('document', digestOf(bytes)), bytes]));
  const findings = new Findings();
  const tools = nodeTools();
  const read = await Files.read(new MemoryBundle(files), tools, findings);
  const decided = told.map(({ run, envelope }) => ({
    type: 'plan.decided',
    run,
    plan: planDigest(plan),
    site: aarhus,
    approved: true,
    code: null,
    envelope: digestOf(envelope),
  }));
  const place = (origin: string) => (record: object, i: number) => ({ ref: `${origin}#${i}`, sequence: i, ...record });
  const runs = [...new Set(told.map(({ run }) => run))].map((run) => ({
    started: { run, plan: planDigest(plan) },
    plan,
    rounds: [],
  }));
  return {
    policy: parties.policy,
    coordinator: { shards: [], records: decided.map(place('hub')) as unknown as CoordinatorRecord[] },
    sites: new Map([[aarhus, { shards: [], records: own.map(place('aarhus')) as unknown as SiteRecord[] }]]),
    rosters: await Rosters.read(read, parties.policy, tools),
    files: read,
    runs: runs as unknown as RunReplay[],
    findings,
    tools,
    notes: [],
  };
}

/** What aarhus writes when it approves a run. */
const approves = (run: RunId, envelope: Uint8Array, by = 'people'): object[] => [
  { type: 'dataset.loaded', run, dataset: DATA },
  { type: 'plan.approved', run, plan: planDigest(plan), by, envelope: digestOf(envelope) },
];

async function codesOf(dossier: Dossier): Promise<string[]> {
  await auditStanding(await auditApprovals(dossier), dossier);
  return dossier.findings.list.map(({ code }) => code);
}

describe('an approval', () => {
  it('is good for one run', async () => {
    const envelope = approval(FIRST);
    expect(await codesOf(await dossierOf([{ run: FIRST, envelope }], approves(FIRST, envelope)))).toEqual([]);
  });

  it('is not good for a second run, though the site’s own log says so', async () => {
    const envelope = approval(FIRST);
    const told = [FIRST, SECOND].map((run) => ({ run, envelope }));
    const codes = await codesOf(await dossierOf(told, [...approves(FIRST, envelope), ...approves(SECOND, envelope)]));
    expect(codes).toEqual(['APPROVAL_REUSED', 'APPROVAL_INVALID']);
  });

  it('by the agent alone is none where the policy names people', async () => {
    const envelope = approval(FIRST, { by: 'auto' });
    const codes = await codesOf(await dossierOf([{ run: FIRST, envelope }], approves(FIRST, envelope, 'auto')));
    expect(codes).toEqual(['APPROVAL_INVALID']);
  });

  it('with a signature of a stranger beside the right ones is none', async () => {
    const envelope = signEnvelope('approval', JSON.parse(JSON.stringify(bare(approval(FIRST)))) as Approval, [
      parties.sites.get(aarhus)!.key,
      ...parties.sites.get(aarhus)!.approvers.map((one) => one.key),
      parties.proposer,
    ]);
    expect(await codesOf(await dossierOf([{ run: FIRST, envelope }], approves(FIRST, envelope)))).toEqual([
      'APPROVAL_INVALID',
    ]);
  });

  /** The words of an approval, without its signatures. */
  function bare(envelope: Uint8Array): object {
    const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string };
    return JSON.parse(Buffer.from(payload, 'base64').toString()) as object;
  }
});

describe('a standing approval', () => {
  const under = (run: RunId): Uint8Array => approval(run, { by: 'standing', envelope: STANDING });
  const granted = (envelope: Uint8Array): object => ({ type: 'standing.granted', envelope: digestOf(envelope) });
  const withdrawn = (envelope: Uint8Array): object => ({ type: 'standing.withdrawn', envelope: digestOf(envelope) });

  it('covers as many runs as its rounds allow', async () => {
    const grant = approval(null, { envelope: STANDING });
    const [one, other] = [under(FIRST), under(SECOND)];
    const told = [
      { run: FIRST, envelope: one },
      { run: SECOND, envelope: other },
    ];
    const own = [granted(grant), ...approves(FIRST, one, 'standing'), ...approves(SECOND, other, 'standing')];
    expect(await codesOf(await dossierOf(told, own, [grant]))).toEqual([]);
  });

  it('does not cover one round more', async () => {
    const terms = { ...STANDING, rounds: 3 };
    const grant = approval(null, { envelope: terms });
    const used = [FIRST, SECOND].map((run) => ({ run, envelope: approval(run, { by: 'standing', envelope: terms }) }));
    const own = [granted(grant), ...used.flatMap(({ run, envelope }) => approves(run, envelope, 'standing'))];
    const dossier = await dossierOf(used, own, [grant]);
    expect(await codesOf(dossier)).toEqual(['APPROVAL_INVALID']);
    expect(dossier.findings.list[0]).toMatchObject({ expected: 'at most 3 rounds of all runs together', found: '4' });
  });

  it.each<[string, (grant: Uint8Array, use: object[]) => object[]]>([
    ['was never granted', (_, use) => use],
    ['was withdrawn before', (grant, use) => [granted(grant), withdrawn(grant), ...use]],
    ['was granted only afterwards', (grant, use) => [...use, granted(grant)]],
  ])('covers nothing where it %s', async (_, log) => {
    const grant = approval(null, { envelope: STANDING });
    const envelope = under(FIRST);
    const own = log(grant, approves(FIRST, envelope, 'standing'));
    expect(await codesOf(await dossierOf([{ run: FIRST, envelope }], own, [grant]))).toEqual(['APPROVAL_INVALID']);
  });

  it('covers what was approved before it was withdrawn', async () => {
    const grant = approval(null, { envelope: STANDING });
    const envelope = under(FIRST);
    const own = [granted(grant), ...approves(FIRST, envelope, 'standing'), withdrawn(grant)];
    expect(await codesOf(await dossierOf([{ run: FIRST, envelope }], own, [grant]))).toEqual([]);
  });

  it('covers nothing with other terms', async () => {
    const grant = approval(null, { envelope: { ...STANDING, rounds: 400 } });
    const envelope = under(FIRST);
    const own = [granted(grant), ...approves(FIRST, envelope, 'standing')];
    expect(await codesOf(await dossierOf([{ run: FIRST, envelope }], own, [grant]))).toEqual(['APPROVAL_INVALID']);
  });
});

describe('what a site does after it has stopped', () => {
  const signed = (run: RunId): object => ({ type: 'update.signed', run });
  const stop = (type: string): object => ({ type, run: FIRST, plan: planDigestOf() });
  const planDigestOf = (): Digest => planDigest(plan);

  it.each<[string, () => object[], number]>([
    ['after a withdrawal', () => [stop('plan.withdrawn'), signed(FIRST)], 1],
    ['before a withdrawal', () => [signed(FIRST), stop('plan.withdrawn')], 0],
    ['while it is suspended', () => [stop('plan.suspended'), signed(FIRST)], 1],
    ['after it was resumed', () => [stop('plan.suspended'), stop('plan.resumed'), signed(FIRST)], 0],
    ['after a withdrawal that nothing resumes', () => [stop('plan.withdrawn'), stop('plan.resumed'), signed(FIRST)], 1],
    ['in another run', () => [stop('plan.withdrawn'), signed(SECOND)], 0],
  ])('is found: an update %s', async (_, events, found) => {
    const envelope = approval(FIRST);
    const dossier = await dossierOf([{ run: FIRST, envelope }], [...approves(FIRST, envelope), ...events()]);
    expect(await codesOf(dossier)).toEqual(Array(found).fill('APPROVAL_WITHDRAWN'));
  });
});
