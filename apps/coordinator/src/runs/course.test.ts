import { isRoundOver, isRunOver, startRun, type RoundEvent, type RunEvent } from '@consilium/round';
import type { Digest, RunId, SiteName } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alpha, beta, gamma } from '../fixtures/plan.fixture.js';
import type { RunRecord } from '../records.js';
import {
  advance,
  deadlineEvent,
  deadlineOf,
  effectsOwed,
  type Advance,
  type Course,
  type CourseEvent,
} from './course.js';

const digestOf = (digit: string): Digest => digit.repeat(64) as Digest;
const initial = digestOf('0');
const terms = { sites: [alpha, beta, gamma], minSites: 2, rounds: 2, maxAttempts: 2, deadlineMs: 1000 };
const everybody = new Set([alpha, beta, gamma]);

const created: RunRecord = {
  id: 'run-0000000001' as RunId,
  planDigest: digestOf('a'),
  revision: 1,
  state: startRun(),
  modelDigest: initial,
  deadlineMs: null,
  standings: {},
  createdMs: 0,
  endedMs: null,
};

const run = (event: RunEvent): CourseEvent => ({ of: 'run', event });
const round = (event: RoundEvent): CourseEvent => ({ of: 'round', event });
const reported = (site: SiteName): CourseEvent => round({ type: 'update-committed', site });
const published = (digit: string): CourseEvent => round({ type: 'model-published', modelDigest: digestOf(digit) });
const approvals = terms.sites.map((site) => run({ type: 'plan-approved', site }));

/** Plays events on a new run; each must be accepted. Answers the last step. */
function play(
  events: readonly CourseEvent[],
  connected: ReadonlySet<SiteName> = everybody,
  from: Course = { run: created, round: null },
): Advance {
  let step: Advance = { ...from, rounds: [], effects: [] };
  events.forEach((event, i) => {
    const next = advance(step, event, { terms, connected, nowMs: 100 * (i + 1) });
    if ('refused' in next) throw new Error(`${event.event.type} refused: ${next.refused}`);
    step = next;
  });
  return step;
}
const kinds = ({ effects }: Advance): string[] => effects.map(({ type }) => type);

describe('the course of a run', () => {
  it('starts the first round, with everybody who is connected, in the step of the last approval', () => {
    const step = play(approvals);
    expect(step.run.state).toMatchObject({ phase: 'training', round: 1, attempt: 1 });
    expect(step.round).toMatchObject({ number: 1, attempt: 1, baseDigest: initial, startedMs: 300, deadlineMs: 1300 });
    expect(step.round?.state).toEqual({
      phase: 'reporting',
      participants: [alpha, beta, gamma],
      reported: [],
      dropped: {},
    });
    expect(kinds(step)).toEqual(['offer-round']);
    expect(step.rounds).toEqual([step.round]);
  });

  it('waits in selection for a site that is away, and offers when it joins', () => {
    const waiting = play(approvals, new Set([alpha, beta]));
    expect(waiting.round?.state).toEqual({ phase: 'selection', joined: [alpha, beta] });
    expect(kinds(waiting)).toEqual([]);
    const step = advance(waiting, round({ type: 'site-joined', site: gamma }), {
      terms,
      connected: everybody,
      nowMs: 900,
    });
    expect(step).toMatchObject({ round: { state: { phase: 'reporting' }, deadlineMs: 1900 } });
  });

  it('goes on with those who joined when the selection’s time is over', () => {
    const step = play([...approvals, round({ type: 'deadline-passed' })], new Set([alpha, beta]));
    expect(step.round?.state).toMatchObject({ phase: 'reporting', participants: [alpha, beta] });
  });

  it('closes a published round and opens the next one on its model in one step', () => {
    const step = play([...approvals, reported(alpha), reported(beta), reported(gamma), published('1')]);
    expect(step.run).toMatchObject({ modelDigest: digestOf('1'), state: { phase: 'training', round: 2, attempt: 1 } });
    expect(
      step.rounds.map(({ number, state, modelDigest, baseDigest }) => [number, state.phase, modelDigest, baseDigest]),
    ).toEqual([
      [1, 'published', digestOf('1'), initial],
      [2, 'reporting', null, digestOf('1')],
    ]);
    expect(kinds(step)).toEqual(['close-round', 'offer-round']);
  });

  it('asks for the evaluation of the last round’s model, and finishes with it', () => {
    const rounds = ['1', '2'].flatMap((digit) => [reported(alpha), reported(beta), reported(gamma), published(digit)]);
    const evaluating = play([...approvals, ...rounds]);
    expect(evaluating.run).toMatchObject({
      state: { phase: 'evaluation', modelDigest: digestOf('2') },
      deadlineMs: 1100 + 1000,
    });
    expect(kinds(evaluating)).toEqual(['close-round', 'offer-evaluation']);
    const received = terms.sites.map((site) => run({ type: 'evaluation-received', site }));
    const finished = play(received, everybody, evaluating);
    expect(finished.run).toMatchObject({
      state: { phase: 'finished', modelDigest: digestOf('2') },
      deadlineMs: null,
      endedMs: 300,
    });
    expect(kinds({ ...finished, effects: finished.effects.slice(-2) })).toEqual(['publish-model', 'announce-end']);
  });

  it('repeats an abandoned round on the same base, and fails after the plan’s attempts', () => {
    const again = play([...approvals, round({ type: 'deadline-passed' })]);
    expect(again.round).toMatchObject({ number: 1, attempt: 2, baseDigest: initial });
    expect(kinds(again)).toEqual(['close-round', 'offer-round']);
    const failed = play([round({ type: 'deadline-passed' })], everybody, again);
    expect(failed.run.state).toEqual({ phase: 'failed', code: 'RUN_FAILED' });
    expect(kinds(failed).slice(-2)).toEqual(['close-round', 'announce-end']);
  });

  it('stops the round at a pause, refuses its late updates, and repeats it without counting an attempt', () => {
    const paused = play([...approvals, reported(alpha), run({ type: 'paused' })]);
    expect(paused.round?.state).toEqual({ phase: 'abandoned', reason: 'stopped' });
    expect(deadlineOf(paused)).toBeNull();
    expect(advance(paused, reported(beta), { terms, connected: everybody, nowMs: 1 })).toEqual({
      refused: 'wrong-phase',
    });
    const resumed = play([run({ type: 'resumed' })], everybody, paused);
    expect(resumed.run.state).toMatchObject({ phase: 'training', round: 1, attempt: 2, failedAttempts: 0 });
    expect(resumed.round).toMatchObject({ number: 1, attempt: 2, state: { phase: 'reporting' } });
  });

  it('stops the round when the run is cancelled', () => {
    const cancelled = play([...approvals, run({ type: 'cancelled' })]);
    expect(cancelled.run).toMatchObject({ state: { phase: 'cancelled' }, endedMs: 400 });
    expect(kinds(cancelled).slice(-2)).toEqual(['close-round', 'announce-end']);
  });

  it('drops a site that withdraws from the open round, and starts none for it where it was the last to decide', () => {
    const left = play([...approvals, reported(alpha), reported(beta), run({ type: 'plan-withdrawn', site: gamma })]);
    expect(left.round?.state).toMatchObject({ phase: 'aggregation', dropped: { [gamma]: 'withdrawn' } });
    expect(kinds(left)).toEqual(['start-aggregation']);
    const last = play([...approvals.slice(0, 2), run({ type: 'plan-withdrawn', site: gamma })]);
    expect(last.round?.state).toEqual({
      phase: 'reporting',
      participants: [alpha, beta],
      reported: [],
      dropped: {},
    });
    const waited = play([...approvals, run({ type: 'plan-withdrawn', site: gamma })], new Set([alpha, beta]));
    expect(waited.round?.state).toMatchObject({ phase: 'reporting', participants: [alpha, beta] });
    const ended = play([...approvals, ...[alpha, beta].map((site) => run({ type: 'plan-withdrawn', site }))]);
    expect(ended.run.state).toEqual({ phase: 'failed', code: 'PLAN_REJECTED' });
    expect(ended.round?.state).toEqual({ phase: 'abandoned', reason: 'stopped' });
  });

  it('gives the evaluation its whole time again after a pause', () => {
    const rounds = ['1', '2'].flatMap((digit) => [reported(alpha), reported(beta), reported(gamma), published(digit)]);
    const paused = play([...approvals, ...rounds, run({ type: 'paused' })]);
    const step = advance(paused, run({ type: 'resumed' }), { terms, connected: everybody, nowMs: 50_000 });
    expect(step).toMatchObject({ run: { deadlineMs: 51_000 } });
  });
});

describe('any history of events', () => {
  const site = fc.constantFrom(...terms.sites);
  const usual = fc.oneof(
    { weight: 9, arbitrary: site.map(reported) },
    { weight: 4, arbitrary: fc.constantFrom('1', '2', '3').map(published) },
    { weight: 9, arbitrary: site.map((name) => run({ type: 'evaluation-received', site: name })) },
    { weight: 2, arbitrary: site.map((name) => round({ type: 'site-joined', site: name })) },
  );
  const unusual = fc.oneof(
    site.map((name) => run({ type: 'plan-approved', site: name })),
    site.map((name) => run({ type: 'plan-rejected', site: name })),
    site.map((name) => run({ type: 'plan-withdrawn', site: name })),
    site.map((name) => round({ type: 'site-dropped', site: name, reason: 'refused' })),
    fc.constantFrom('paused', 'resumed', 'evaluation-deadline-passed').map((type) => run({ type } as RunEvent)),
    fc.constant(round({ type: 'deadline-passed' })),
  );
  const event = fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: unusual });
  const decisions = fc.oneof({ weight: 5, arbitrary: fc.constant(approvals) }, fc.array(unusual, { maxLength: 9 }));
  const events = fc.tuple(decisions, fc.array(event, { minLength: 40, maxLength: 120 })).map((parts) => parts.flat());
  const histories = fc.tuple(events, fc.subarray(terms.sites, { minLength: 2 }));

  function walk(
    events: readonly CourseEvent[],
    connected: readonly SiteName[],
    see: (step: Advance, before: Course) => void,
  ): Course {
    let course: Course = { run: created, round: null };
    events.forEach((next, i) => {
      const step = advance(course, next, { terms, connected: new Set(connected), nowMs: i });
      if ('refused' in step) return;
      see(step, course);
      course = { run: step.run, round: step.round };
    });
    return course;
  }

  it('has an open round exactly while it trains, and the base of each is the newest model', () => {
    fc.assert(
      fc.property(histories, ([events, connected]) => {
        walk(events, connected, ({ run: { state, modelDigest }, round: current }) => {
          const open = current !== null && !isRoundOver(current.state);
          expect(open).toBe(state.phase === 'training');
          if (open) expect(current.baseDigest).toBe(modelDigest);
          if (open && state.phase === 'training')
            expect([current.number, current.attempt]).toEqual([state.round, state.attempt]);
        });
      }),
    );
  });

  it('closes each round once and never changes a closed one', () => {
    fc.assert(
      fc.property(histories, ([events, connected]) => {
        const closed = new Set<string>();
        walk(events, connected, ({ rounds, effects }) => {
          for (const changed of rounds) expect(closed.has(`${changed.number}-${changed.attempt}`)).toBe(false);
          for (const effect of effects)
            if (effect.type === 'close-round') closed.add(`${effect.round.number}-${effect.round.attempt}`);
          for (const changed of rounds)
            expect(changed.endedMs !== null).toBe(closed.has(`${changed.number}-${changed.attempt}`));
        });
      }),
    );
  });

  it('says the same to do after a restart as the step itself said, but for what is only told once', () => {
    const once = new Set(['close-round', 'publish-model', 'announce-end']);
    fc.assert(
      fc.property(histories, ([events, connected]) => {
        walk(events, connected, (step) => {
          const lasting = step.effects.filter(({ type }) => !once.has(type)).map(({ type }) => type);
          const owed = effectsOwed(step).map(({ type }) => type);
          // A step that only adds a report says nothing new, but what it waits for is still owed.
          if (lasting.length) expect(owed).toEqual(lasting);
        });
      }),
    );
  });

  it('always has a deadline or waits for people, and its passing is accepted', () => {
    fc.assert(
      fc.property(histories, ([events, connected]) => {
        const course = walk(events, connected, () => {});
        if (deadlineOf(course) === null) {
          const waits = isRunOver(course.run.state) || ['approval', 'paused'].includes(course.run.state.phase);
          expect(waits || course.round?.state.phase === 'aggregation').toBe(true);
        } else {
          expect(advance(course, deadlineEvent(course), { terms, connected: everybody, nowMs: 1 })).not.toHaveProperty(
            'refused',
          );
        }
      }),
    );
  });

  it('reaches every phase (the generator is not vacuous)', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(histories, ([events, connected]) => {
        walk(events, connected, ({ run: { state }, rounds }) => {
          seen.add(state.phase);
          for (const { state: phase } of rounds) seen.add(phase.phase);
        });
      }),
      { numRuns: 500, seed: 1 },
    );
    expect([...seen].sort()).toEqual(
      [
        'abandoned',
        'aggregation',
        'approval',
        'evaluation',
        'failed',
        'finished',
        'paused',
        'published',
        'reporting',
        'selection',
        'training',
      ].sort(),
    );
  });
});
