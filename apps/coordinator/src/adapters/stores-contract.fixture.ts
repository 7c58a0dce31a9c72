import { startRound, startRun } from '@consilium/round';
import { Fault, type Digest, type RunId, type StudyName } from '@consilium/stdx';
import { expect, it } from 'vitest';
import { alpha, beta, governance } from '../fixtures/plan.fixture.js';
import { NO_METRICS } from '../metrics.js';
import type { Registry, RunStore, SiteStore, StudyStore } from '../ports.js';
import type {
  EvaluationRecord,
  ModelVersionRecord,
  PlanRecord,
  RoundRecord,
  RunRecord,
  StudyRecord,
  UpdateRecord,
} from '../records.js';

export interface Stores {
  readonly sites: SiteStore;
  readonly studies: StudyStore;
  readonly runs: RunStore;
  readonly registry: Registry;
}

const digestOf = (digit: string): Digest => digit.repeat(64) as Digest;
const study: StudyRecord = {
  name: 'trial' as StudyName,
  title: 'A trial',
  purpose: 'To test “ports”.',
  terms: { ...governance(), sites: [alpha, beta] },
  document: digestOf('e'),
  createdMs: 1000,
};
const plan: PlanRecord = {
  digest: digestOf('a'),
  study: study.name,
  document: '{"learningRate":0.001,"ä":"ß"}',
  envelope: '{"signatures":["ä"]}',
  createdMs: 2000,
};

const run = (id: string, change: Partial<RunRecord> = {}): RunRecord => ({
  id: `run-${id.padStart(10, '0')}` as RunId,
  planDigest: plan.digest,
  revision: 1,
  state: startRun(),
  modelDigest: digestOf('0'),
  deadlineMs: null,
  standings: {},
  createdMs: 3000,
  endedMs: null,
  ...change,
});
const round = (of: RunRecord, number: number, attempt = 1, change: Partial<RoundRecord> = {}): RoundRecord => ({
  run: of.id,
  number,
  attempt,
  state: startRound(),
  baseDigest: digestOf('0'),
  modelDigest: null,
  loss: null,
  auc: null,
  startedMs: 4000,
  deadlineMs: 5000,
  endedMs: null,
  ...change,
});
const update = (of: RunRecord, site = alpha, change: Partial<UpdateRecord> = {}): UpdateRecord => ({
  run: of.id,
  number: 1,
  attempt: 1,
  site,
  sha256: digestOf('b'),
  length: 1234,
  examples: 99,
  loss: 0.1 + 0.2,
  metrics: { ...NO_METRICS, auc: { value: 0.7, low: 0.6, high: 0.8 } },
  committedMs: 6000,
  ...change,
});
const evaluation = (of: RunRecord, site = alpha): EvaluationRecord => ({
  run: of.id,
  site,
  modelDigest: digestOf('c'),
  examples: 5,
  metrics: NO_METRICS,
  code: 'DATA_EMPTY',
  receivedMs: 7000,
});
const version = (of: RunRecord, change: Partial<ModelVersionRecord> = {}): ModelVersionRecord => ({
  run: of.id,
  digest: digestOf('c'),
  planDigest: plan.digest,
  round: 2,
  manifest: { tensors: [{ name: 'w', shape: [2, 3], offset: 0, size: 6 }], size: 6 },
  metrics: [{ site: null, examples: 5, metrics: null }],
  rounds: [{ round: 1, attempt: 1, baseDigest: digestOf('0'), modelDigest: digestOf('c'), updates: [] }],
  createdMs: 8000,
  ...change,
});
const next = (of: RunRecord, change: Partial<RunRecord> = {}): RunRecord => ({
  ...of,
  revision: of.revision + 1,
  ...change,
});

/** What every set of stores promises; each test gets empty ones. */
export function storesContract(empty: () => Promise<Stores>): void {
  async function withPlan(): Promise<Stores> {
    const stores = await empty();
    await stores.studies.create(study);
    await stores.studies.createPlan(plan);
    return stores;
  }
  async function withRun(record = run('1')): Promise<Stores> {
    const stores = await withPlan();
    await stores.runs.create(record);
    return stores;
  }

  it('remembers the latest session of each site, and lists sites by name', async () => {
    const { sites } = await empty();
    for (const name of [beta, alpha]) await sites.seen({ name, software: 'old', lastSeenMs: 1 });
    await sites.seen({ name: beta, software: 'new', lastSeenMs: 2 });
    expect(await sites.list()).toEqual([
      { name: alpha, software: 'old', lastSeenMs: 1 },
      { name: beta, software: 'new', lastSeenMs: 2 },
    ]);
  });

  it('creates an equal study once, and refuses another one of its name', async () => {
    const { studies } = await empty();
    expect(await studies.create(study)).toEqual(study);
    expect(await studies.create({ ...study, createdMs: 9999 })).toEqual(study);
    for (const change of [{ purpose: 'Another.' }, { terms: { ...governance(), sites: [alpha] } }, { terms: null }]) {
      await expect(studies.create({ ...study, ...change })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    }
    expect(await studies.list()).toEqual([study]);
    expect(await studies.find('none' as StudyName)).toBeUndefined();
  });

  it('keeps a study of an older release, which has no terms', async () => {
    const { studies } = await empty();
    const old = { ...study, name: 'old' as StudyName, terms: null, document: null };
    expect(await studies.create(old)).toEqual(old);
    expect(await studies.find(old.name)).toEqual(old);
  });

  it('replaces the envelope of a plan only where it is still the one that was read', async () => {
    const { studies } = await withPlan();
    const { digest, envelope } = plan;
    const signed = { ...plan, envelope: '{"signatures":["ä","ö"]}' };
    expect(await studies.signPlan(signed, 'another', [])).toBe(false);
    const both = [studies.signPlan(signed, envelope, []), studies.signPlan({ ...plan, envelope: 'x' }, envelope, [])];
    expect((await Promise.all(both)).sort()).toEqual([false, true]);
    expect(await studies.signPlan({ ...plan, digest: digestOf('9') }, null, [])).toBe(false);
    expect((await studies.findPlan(digest))?.envelope).not.toBe(envelope);
    const unsigned = { ...plan, digest: digestOf('8'), envelope: null };
    expect(await studies.createPlan(unsigned)).toEqual(unsigned);
    expect(await studies.signPlan({ ...unsigned, envelope: 'first' }, null, [])).toBe(true);
  });

  it('keeps a plan’s document byte for byte, and the first of two equal ones', async () => {
    const { studies } = await withPlan();
    expect(await studies.createPlan({ ...plan, createdMs: 9999 })).toEqual(plan);
    expect(await studies.findPlan(plan.digest)).toEqual(plan);
    const newer = { ...plan, digest: digestOf('d'), createdMs: 2001 };
    await studies.createPlan(newer);
    expect(await studies.plans(study.name)).toEqual([newer, plan]);
  });

  it('gives back every record as it was stored', async () => {
    const first = run('1', {
      standings: { [alpha]: { decision: 'approved', bytesUp: 2 ** 40, bytesDown: 1, examples: null } },
    });
    const { runs, registry } = await withRun(first);
    expect(await runs.find(first.id)).toEqual(first);
    const change = {
      run: next(first, { deadlineMs: 12_345, endedMs: 23_456 }),
      rounds: [
        round(first, 1, 1, { modelDigest: digestOf('c'), loss: 0.25, auc: 1 / 3, endedMs: 4500 }),
        round(first, 2),
      ],
      update: update(first),
      evaluation: evaluation(first),
      version: version(first),
    };
    await runs.commit(change);
    expect(await runs.find(first.id)).toEqual(change.run);
    expect(await runs.rounds(first.id)).toEqual(change.rounds);
    expect(await runs.findUpdate(first.id, 1, 1, alpha)).toEqual(change.update);
    expect(await runs.updates(first.id)).toEqual([change.update]);
    expect(await runs.evaluations(first.id)).toEqual([change.evaluation]);
    expect(await registry.list()).toEqual([change.version]);
  });

  it('overwrites a round that changed and keeps the others', async () => {
    const first = run('1');
    const { runs } = await withRun(first);
    await runs.commit({
      run: next(first),
      rounds: [round(first, 1), round(first, 10), round(first, 2, 2), round(first, 2)],
    });
    await runs.commit({ run: next(next(first)), rounds: [round(first, 2, 2, { loss: 1 })] });
    const told = (await runs.rounds(first.id)).map(({ number, attempt, loss }) => [number, attempt, loss]);
    expect(told).toEqual([
      [1, 1, null],
      [2, 1, null],
      [2, 2, 1],
      [10, 1, null],
    ]);
  });

  it('refuses a commit on any revision but the one before, and changes nothing then', async () => {
    const first = run('1');
    const { runs } = await withRun(first);
    for (const revision of [1, 3]) {
      const stale = runs.commit({ run: { ...first, revision }, rounds: [round(first, 1)], update: update(first) });
      await expect(stale).rejects.toSatisfy((error) => Fault.is(error, 'STATE_LOCKED'));
    }
    expect(await runs.find(first.id)).toEqual(first);
    expect(await runs.rounds(first.id)).toEqual([]);
    expect(await runs.updates(first.id)).toEqual([]);
  });

  it('commits one update for each site of an attempt: a second one undoes its whole transaction', async () => {
    const first = run('1');
    const { runs } = await withRun(first);
    const second = next(first);
    await runs.commit({ run: second, update: update(first) });
    await expect(
      runs.commit({ run: next(second), update: update(first, alpha, { sha256: digestOf('e') }) }),
    ).rejects.toThrow();
    expect(await runs.find(first.id)).toEqual(second);
    expect((await runs.updates(first.id)).map(({ sha256 }) => sha256)).toEqual([digestOf('b')]);
    await runs.commit({ run: next(second), update: update(first, beta) });
    await runs.commit({ run: next(next(second)), update: update(first, alpha, { attempt: 2 }) });
    expect((await runs.updates(first.id)).map(({ attempt, site }) => [attempt, site])).toEqual([
      [1, alpha],
      [1, beta],
      [2, alpha],
    ]);
  });

  it('lists runs newest first, by phase and study, at most as many as asked', async () => {
    const { runs } = await withRun(run('1', { createdMs: 10 }));
    await runs.create(run('2', { createdMs: 30, state: { phase: 'cancelled' } }));
    await runs.create(run('3', { createdMs: 20 }));
    const ids = async (query: Parameters<RunStore['list']>[0]): Promise<string[]> =>
      (await runs.list(query)).map(({ id }) => id.at(-1)!);
    expect(await ids({ limit: 10 })).toEqual(['2', '3', '1']);
    expect(await ids({ limit: 2 })).toEqual(['2', '3']);
    expect(await ids({ limit: 10, phases: ['approval', 'training'] })).toEqual(['3', '1']);
    expect(await ids({ limit: 10, study: study.name, phases: ['cancelled'] })).toEqual(['2']);
    expect(await ids({ limit: 10, study: 'other' as StudyName })).toEqual([]);
  });

  it('finds the newest version of a digest that two runs published', async () => {
    const [older, newer] = [run('1'), run('2')];
    const { runs, registry } = await withRun(older);
    await runs.create(newer);
    await runs.commit({ run: next(newer), version: version(newer, { createdMs: 9000 }) });
    await runs.commit({ run: next(older), version: version(older, { createdMs: 8000 }) });
    expect((await registry.find(digestOf('c')))?.run).toBe(newer.id);
    expect((await registry.list()).map(({ run: id }) => id)).toEqual([newer.id, older.id]);
    expect(await registry.find(digestOf('f'))).toBeUndefined();
  });
}
