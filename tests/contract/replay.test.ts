import fc from 'fast-check';
import type { CoordinatorEvent } from '@consilium/ledger';
import { startRun, type SignedPlan } from '@consilium/round';
import { siteName, type Digest, type RunId } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import type { CoordinatorEntryOf, CoordinatorRecord } from '../../apps/auditor/src/audit/recorded.js';
import { Findings } from '../../apps/auditor/src/findings.js';
import { isRunEntry } from '../../apps/auditor/src/replay/run-entries.js';
import { RunReplay } from '../../apps/auditor/src/replay/run-replay.js';
import { advance, type Course, type CourseEvent } from '../../apps/coordinator/src/runs/course.js';
import { eventsOf, type Beside } from '../../apps/coordinator/src/runs/events.js';
import type { EvaluationRecord, UpdateRecord } from '../../apps/coordinator/src/records.js';

/**
 * The coordinator writes entries, the auditor replays them, and neither knows the other's code. Whatever happens in a
 * run, in whatever order, what the one writes must be what the other accepts.
 */
const SITES = ['aarhus', 'berlin', 'cluj'].map(siteName);
const TERMS = { sites: SITES, minSites: 1, rounds: 2, maxAttempts: 3 };
const RUN = 'run-0123456789' as RunId;
const [PLAN, BASE] = ['a', '0'].map((digit) => digit.repeat(64) as Digest) as [Digest, Digest];

const start: Course = {
  run: {
    id: RUN,
    planDigest: PLAN,
    revision: 1,
    state: startRun(),
    modelDigest: BASE,
    deadlineMs: null,
    standings: {},
    createdMs: 0,
    endedMs: null,
  },
  round: null,
};

const of = (machine: 'run' | 'round', event: object): CourseEvent => ({ of: machine, event }) as CourseEvent;
const ofEach = (machine: 'run' | 'round', event: object): CourseEvent[] =>
  SITES.map((site) => of(machine, { ...event, site }));
const times = (n: number, events: readonly CourseEvent[]): CourseEvent[] => Array(n).fill(events).flat();

/** All that may reach a coordinator; what carries a run on stands there more often. */
const EVENTS: readonly CourseEvent[] = [
  ...times(4, ofEach('run', { type: 'plan-approved' })),
  ...ofEach('run', { type: 'plan-rejected' }),
  ...ofEach('run', { type: 'plan-withdrawn' }),
  ...times(4, ofEach('round', { type: 'site-joined' })),
  ...times(6, ofEach('round', { type: 'update-committed' })),
  ...['refused', 'disconnected', 'update-refused'].flatMap((reason) =>
    ofEach('round', { type: 'site-dropped', reason }),
  ),
  ...times(3, [of('round', { type: 'deadline-passed' })]),
  ...times(
    6,
    ['1', '2', '3'].map((digit) => of('round', { type: 'model-published', modelDigest: digit.repeat(64) })),
  ),
  of('round', { type: 'aggregation-failed' }),
  ...times(2, ofEach('run', { type: 'evaluation-received' })),
  of('run', { type: 'evaluation-deadline-passed' }),
  of('run', { type: 'paused' }),
  ...times(3, [of('run', { type: 'resumed' })]),
];
const CANCEL = of('run', { type: 'cancelled' });

interface Life {
  /** Each picks one of the events that have a place in the state of that moment. */
  readonly choices: readonly number[];
  readonly connected: ReadonlySet<(typeof SITES)[number]>;
  readonly cancelled: boolean;
}

/** Lives a life, and answers what the coordinator wrote and where it ended. */
function live({ choices, connected, cancelled }: Life): { course: Course; written: readonly CoordinatorEvent[] } {
  let course = start;
  const written: CoordinatorEvent[] = [];
  const surroundings = { terms: { ...TERMS, deadlineMs: 1000 }, connected, nowMs: 0 };
  const take = (event: CourseEvent): void => {
    const next = advance(course, event, surroundings);
    if ('refused' in next) return;
    written.push(...eventsOf(course, event, next, besideOf(event, course)));
    course = { run: next.run, round: next.round };
  };
  for (const choice of choices) {
    const possible = EVENTS.filter((event) => !('refused' in advance(course, event, surroundings)));
    if (possible.length > 0) take(possible[choice % possible.length]!);
  }
  if (cancelled) take(CANCEL);
  return { course, written };
}

function besideOf({ event }: CourseEvent, { run, round }: Course): Beside {
  const name = 'site' in event ? event.site : SITES[0]!;
  const update = { site: name, sha256: PLAN, length: 8, examples: 20, number: round?.number ?? 0 } as UpdateRecord;
  const evaluation = { site: name, modelDigest: run.modelDigest, code: null } as EvaluationRecord;
  const decision = { code: null, envelope: PLAN };
  return { update, statement: PLAN, evaluation, metrics: null, decision, by: 'person-0123456789' as never };
}

function replay(written: readonly CoordinatorEvent[]): { replay: RunReplay; findings: Findings } {
  const findings = new Findings();
  const started = { type: 'run.started', run: RUN, plan: PLAN, envelope: PLAN, roster: PLAN, model: BASE };
  const records = [started, ...written].map((event, index) => {
    const place = { ref: `lung/coordinator/2026#${index}`, origin: 'lung/coordinator/2026', index, sequence: index };
    return { ...event, ...place, v: 1, at: index, salt: '' } as unknown as CoordinatorRecord;
  });
  const plan = {
    sites: SITES,
    rounds: { count: TERMS.rounds, minSites: TERMS.minSites, maxAttempts: TERMS.maxAttempts },
  } as unknown as SignedPlan;
  const run = new RunReplay(records[0] as CoordinatorEntryOf<'run.started'>, plan, findings);
  for (const record of records.slice(1)) if (isRunEntry(record)) run.apply(record);
  return { replay: run, findings };
}

const lives: fc.Arbitrary<Life> = fc.record({
  choices: fc.array(fc.nat(10_000), { minLength: 1, maxLength: 40 }),
  connected: fc.subarray(SITES).map((names) => new Set(names)),
  cancelled: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

describe('what the coordinator writes about a run', () => {
  it('is what the auditor’s replay accepts, and leads it to the same state', () => {
    const ends = new Map<string, number>();
    fc.assert(
      fc.property(lives, (life) => {
        const { course, written } = live(life);
        const { replay: audited, findings } = replay(written);
        expect(findings.list).toEqual([]);
        expect(audited.run).toEqual(course.run.state);
        expect(audited.model).toBe(course.run.modelDigest);
        const newest = audited.rounds.at(-1);
        expect([newest?.round, newest?.attempt]).toEqual([course.round?.number, course.round?.attempt]);
        ends.set(course.run.state.phase, (ends.get(course.run.state.phase) ?? 0) + 1);
      }),
      { numRuns: 1000 },
    );
    // The lives were not all short: each phase was met at some end.
    for (const phase of ['approval', 'training', 'evaluation', 'paused', 'finished', 'failed', 'cancelled'])
      expect(ends.get(phase), phase).toBeGreaterThan(0);
  });

  it('cannot be told without an update that a model rests on, or without a model that the next round rests on', () => {
    fc.assert(
      fc.property(lives, fc.nat(), (life, choice) => {
        const { written } = live(life);
        const needed = written.flatMap((event, at) => (isNeeded(event, written.slice(at + 1)) ? [at] : []));
        fc.pre(needed.length > 0);
        const gone = needed[choice % needed.length]!;
        expect(replay(written.filter((_, at) => at !== gone)).findings.list).not.toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

function isNeeded(event: CoordinatorEvent, later: readonly CoordinatorEvent[]): boolean {
  if (event.type === 'update.committed') {
    const { round, attempt, site } = event;
    return later.some(
      (one) =>
        one.type === 'aggregate.published' &&
        one.round === round &&
        one.attempt === attempt &&
        one.contributors.includes(site),
    );
  }
  return event.type === 'aggregate.published' && later.some(({ type }) => type === 'round.started');
}
