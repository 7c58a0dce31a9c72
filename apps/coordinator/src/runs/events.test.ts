import { readEntry, sealEntry, type CoordinatorEvent } from '@consilium/ledger';
import { startRun, type RoundEvent, type RunEvent } from '@consilium/round';
import type { Digest, RunId, SiteName } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alpha, beta, gamma } from '../fixtures/plan.fixture.js';
import { NO_METRICS } from '../metrics.js';
import { MACHINE } from '../people/person-id.js';
import type { RunRecord, UpdateRecord } from '../records.js';
import { advance, type Course, type CourseEvent } from './course.js';
import { eventsOf, subjectOf, type Beside } from './events.js';
import { Replay } from './replay.fixture.js';

const digestOf = (digit: string): Digest => digit.repeat(64) as Digest;
const terms = { sites: [alpha, beta, gamma], minSites: 2, rounds: 2, maxAttempts: 2, deadlineMs: 1000 };
const created: RunRecord = {
  id: 'run-0000000001' as RunId,
  planDigest: digestOf('a'),
  revision: 1,
  state: startRun(),
  modelDigest: digestOf('0'),
  deadlineMs: null,
  standings: {},
  createdMs: 0,
  endedMs: null,
};

const run = (event: RunEvent): CourseEvent => ({ of: 'run', event });
const round = (event: RoundEvent): CourseEvent => ({ of: 'round', event });
const reported = (site: SiteName): CourseEvent => round({ type: 'update-committed', site });
const published = (digit: string): CourseEvent => round({ type: 'model-published', modelDigest: digestOf(digit) });
const withdrawn = (site: SiteName): CourseEvent => run({ type: 'plan-withdrawn', site });
const approvals = terms.sites.map((site) => run({ type: 'plan-approved', site }));

/** What the coordinator has in its hands beside each event. */
function besideOf({ event }: CourseEvent, { run: { state }, round: current }: Course): Beside {
  const site = 'site' in event ? event.site : alpha;
  const model = state.phase === 'evaluation' ? state.modelDigest : digestOf('0');
  const pass = { run: created.id, number: current?.number ?? 1, attempt: current?.attempt ?? 1 };
  const rest = { sha256: digestOf('b'), length: 9, loss: 1, metrics: NO_METRICS, committedMs: 0 };
  const update: UpdateRecord = { ...pass, site, ...rest, examples: 64 };
  const measured = { run: created.id, site, modelDigest: model, examples: 3, metrics: NO_METRICS, receivedMs: 0 };
  return {
    update,
    statement: digestOf('5'),
    evaluation: { ...measured, code: null },
    metrics: digestOf('e'),
    decision: { code: event.type === 'plan-rejected' ? 'PLAN_REJECTED' : null, envelope: null },
    by: MACHINE,
  };
}

/** Plays events, refused ones left out, and tells each step as it is written down. */
function play(
  events: readonly CourseEvent[],
  connected: readonly SiteName[] = terms.sites,
  see: (told: readonly CoordinatorEvent[], after: Course) => void = () => {},
): { course: Course; told: CoordinatorEvent[] } {
  let course: Course = { run: created, round: null };
  const told: CoordinatorEvent[] = [];
  events.forEach((event, i) => {
    const next = advance(course, event, { terms, connected: new Set(connected), nowMs: i });
    if ('refused' in next) return;
    told.push(...eventsOf(course, event, next, besideOf(event, course)));
    course = { run: next.run, round: next.round };
    see(told, course);
  });
  return { course, told };
}
const kinds = (told: readonly CoordinatorEvent[]): string[] => told.map(({ type }) => type);

describe('what the ledger says about a run', () => {
  it('names the cause first and then what followed, in the order of an auditor’s reading', () => {
    const rounds = ['1', '2'].flatMap((digit) => [...terms.sites.map(reported), published(digit)]);
    const { told } = play([
      ...approvals,
      ...rounds,
      ...terms.sites.map((site) => run({ type: 'evaluation-received', site })),
    ]);
    const oneRound = [
      'round.started',
      ...Array(3).fill('site.joined'),
      'round.offered',
      ...Array(3).fill('update.committed'),
    ];
    expect(kinds(told)).toEqual([
      ...Array(3).fill('plan.decided'),
      ...oneRound,
      'aggregate.published',
      ...oneRound,
      'aggregate.published',
      'evaluation.offered',
      ...Array(3).fill('evaluation.received'),
      'run.ended',
    ]);
    expect(told.find(({ type }) => type === 'round.offered')).toEqual({
      type: 'round.offered',
      run: created.id,
      round: 1,
      attempt: 1,
      plan: created.planDigest,
      model: created.modelDigest,
      participants: [alpha, beta, gamma],
    });
    expect(told.find(({ type }) => type === 'update.committed')).toMatchObject({ examples: '50-99', bytes: 9 });
  });

  it('tells of a deadline once, and not of each site that it drops', () => {
    const { told } = play([...approvals, reported(alpha), reported(beta), round({ type: 'deadline-passed' })]);
    expect(kinds(told).slice(-3)).toEqual(['update.committed', 'update.committed', 'round.deadline']);
  });

  it('tells of an abandoned round and of the next attempt', () => {
    const { told } = play([...approvals, round({ type: 'deadline-passed' })]);
    expect(kinds(told).slice(8)).toEqual([
      'round.deadline',
      'round.abandoned',
      'round.started',
      ...Array(3).fill('site.joined'),
      'round.offered',
    ]);
    expect(told.find(({ type }) => type === 'round.abandoned')).toMatchObject({
      attempt: 1,
      reason: 'too-few-updates',
    });
  });

  it('tells of a withdrawal and of what it ends', () => {
    const { told } = play([...approvals, withdrawn(alpha), withdrawn(beta)]);
    expect(kinds(told).slice(-4)).toEqual(['plan.withdrawn', 'plan.withdrawn', 'round.abandoned', 'run.ended']);
    expect(told.at(-1)).toMatchObject({ outcome: 'failed', code: 'PLAN_REJECTED', model: null });
  });

  it('offers an evaluation once, also when it is asked for again after a pause', () => {
    const rounds = ['1', '2'].flatMap((digit) => [...terms.sites.map(reported), published(digit)]);
    const { told } = play([...approvals, ...rounds, run({ type: 'paused' }), run({ type: 'resumed' })]);
    expect(kinds(told).filter((kind) => kind === 'evaluation.offered')).toHaveLength(1);
    expect(kinds(told).slice(-2)).toEqual(['run.steered', 'run.steered']);
  });
});

describe('any history of a run', () => {
  const site = fc.constantFrom(...terms.sites);
  const usual = fc.oneof(
    { weight: 9, arbitrary: site.map(reported) },
    { weight: 4, arbitrary: fc.constantFrom('1', '2', '3').map(published) },
    { weight: 9, arbitrary: site.map((name) => run({ type: 'evaluation-received', site: name })) },
    { weight: 2, arbitrary: site.map((name) => round({ type: 'site-joined', site: name })) },
  );
  const unusual = fc.oneof(
    site.map((name) => round({ type: 'site-dropped', site: name, reason: 'refused' })),
    site.map(withdrawn),
    fc.constantFrom('paused', 'resumed', 'resumed').map((type) => run({ type } as RunEvent)),
    fc.constantFrom(round({ type: 'deadline-passed' }), round({ type: 'aggregation-failed' })),
  );
  const event = fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: unusual });
  const rare = fc.constantFrom(run({ type: 'evaluation-deadline-passed' }), run({ type: 'cancelled' }));
  const decisions = fc.oneof(
    { weight: 4, arbitrary: fc.constant(approvals) },
    fc.array(
      site.chain((name) =>
        fc.constantFrom('plan-approved', 'plan-rejected').map((type) => run({ type, site: name } as RunEvent)),
      ),
      { maxLength: 6 },
    ),
  );
  const histories = fc.tuple(
    fc
      .tuple(
        decisions,
        fc.array(event, { minLength: 10, maxLength: 90, size: 'max' }),
        fc.array(rare, { maxLength: 1 }),
      )
      .map((parts) => parts.flat()),
    fc.subarray(terms.sites, { minLength: 2 }),
  );

  it('replays, entry by entry, to the very states that were stored', () => {
    fc.assert(
      fc.property(histories, ([events, connected]) => {
        play(events, connected, (told, after) => {
          const replay = Replay.of(told, terms);
          expect(replay.run).toEqual(after.run.state);
          expect(replay.round).toEqual(after.round?.state ?? null);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('is found to be another one when any entry of it is missing (the replay is not vacuous)', () => {
    const { told, course } = play([...approvals, ...terms.sites.map(reported), published('1'), reported(alpha)]);
    const missing = told.map((_, gone) => {
      try {
        const replay = Replay.of(told.toSpliced(gone, 1), terms);
        return JSON.stringify([replay.run, replay.round]) === JSON.stringify([course.run.state, course.round!.state]);
      } catch {
        return false;
      }
    });
    // What only says to whom something was said moves no machine: an auditor misses it as evidence, not as a step.
    expect(told.flatMap(({ type }, i) => (missing[i] ? [type] : []))).toEqual(['round.offered', 'round.offered']);
  });

  it('reaches every kind of entry (the histories are not vacuous), and each of them fits the closed set', () => {
    const seen = new Set<string>();
    for (const [events, connected] of fc.sample(histories, { numRuns: 1000, seed: 1 })) {
      for (const told of play(events, connected).told) {
        seen.add(told.type);
        const bytes = sealEntry(told, { kind: 'coordinator', at: 0, salt: '0'.repeat(32) });
        expect(readEntry(bytes, 'coordinator')).toMatchObject(told);
      }
    }
    expect([...seen].sort()).toEqual(
      ['aggregate.published', 'evaluation.offered', 'evaluation.received', 'plan.decided', 'plan.withdrawn']
        .concat(['round.abandoned', 'round.deadline', 'round.offered', 'round.started', 'run.ended', 'run.steered'])
        .concat(['site.dropped', 'site.joined', 'update.committed'])
        .sort(),
    );
  });

  it('names what evidence is asked for, each once', () => {
    fc.assert(
      fc.property(histories, ([events, connected]) => {
        const subjects = play(events, connected)
          .told.map(subjectOf)
          .filter((subject) => subject !== null);
        expect(new Set(subjects).size).toBe(subjects.length);
      }),
    );
  });
});
