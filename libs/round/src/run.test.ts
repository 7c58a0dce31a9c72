import type { Digest, SiteName } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRunOver, startRun, stepRun, type Run, type RunEvent, type RunStep, type RunTerms } from './index.js';

const SITES = ['aarhus', 'berlin', 'constructor'] as SiteName[];
const [aarhus, berlin, constructor] = SITES as [SiteName, SiteName, SiteName];
const stranger = 'zagreb' as SiteName;
const modelDigest = 'b'.repeat(64) as Digest;
const terms: RunTerms = { sites: SITES, minSites: 2, rounds: 3, maxAttempts: 2 };

const approve = (site: SiteName): RunEvent => ({ type: 'plan-approved', site });
const reject = (site: SiteName): RunEvent => ({ type: 'plan-rejected', site });
const evaluated = (site: SiteName): RunEvent => ({ type: 'evaluation-received', site });
const withdraw = (site: SiteName): RunEvent => ({ type: 'plan-withdrawn', site });
const roundPublished: RunEvent = { type: 'round-published', modelDigest };
const roundAbandoned: RunEvent = { type: 'round-abandoned' };
const pause: RunEvent = { type: 'paused' };
const resume: RunEvent = { type: 'resumed' };
const cancel: RunEvent = { type: 'cancelled' };

const replay = (events: readonly RunEvent[]): RunStep[] => {
  const steps: RunStep[] = [{ run: startRun(), effects: [] }];
  for (const event of events) {
    const before = steps.findLast((taken) => 'run' in taken) as { run: Run };
    steps.push(stepRun(before.run, event, terms));
  }
  return steps;
};
const accepted = (events: readonly RunEvent[]) => replay(events).filter((taken) => 'run' in taken);
const last = (...events: RunEvent[]): Run => accepted(events).at(-1)!.run;
const refusal = (next: RunStep): string => ('refused' in next ? next.refused : 'accepted');

const approved = SITES.map(approve);
const trained = [...approved, roundPublished, roundPublished, roundPublished];

const site = fc.constantFrom(...SITES, stranger);
const event = fc.oneof(
  { weight: 5, arbitrary: site.map(approve) },
  { weight: 1, arbitrary: site.map(reject) },
  { weight: 1, arbitrary: site.map(withdraw) },
  { weight: 5, arbitrary: fc.constant(roundPublished) },
  { weight: 2, arbitrary: fc.constant(roundAbandoned) },
  { weight: 3, arbitrary: site.map(evaluated) },
  { weight: 1, arbitrary: fc.constantFrom<RunEvent>(pause, { type: 'evaluation-deadline-passed' }) },
  { weight: 2, arbitrary: fc.constant(resume) },
);
const history = fc
  .tuple(fc.array(event, { maxLength: 60, size: 'max' }), fc.option(fc.nat(60), { freq: 3 }))
  .map(([events, at]) => (at === null ? events : events.toSpliced(at, 0, cancel)));
const everyHistory = (check: (steps: ReturnType<typeof accepted>) => void): void =>
  fc.assert(
    fc.property(history, (events) => {
      check(accepted(events));
    }),
    { numRuns: 2000 },
  );

describe('a run, whatever order events come in', () => {
  it('reaches every phase, every pause and both failures (the histories are not vacuous)', () => {
    const names = fc.sample(history, { numRuns: 20_000, seed: 1 }).flatMap((events) =>
      accepted(events).map(({ run }) => {
        if (run.phase === 'paused') return `paused ${run.resumes.phase}`;
        return run.phase === 'failed' ? run.code : run.phase;
      }),
    );
    expect([...new Set(names)].sort()).toEqual(
      [
        ...['approval', 'training', 'evaluation', 'finished', 'cancelled', 'PLAN_REJECTED', 'RUN_FAILED'],
        ...['paused approval', 'paused training', 'paused evaluation'],
      ].sort(),
    );
  });

  it('never trains with fewer approvals than the quorum, nor with a site that rejected', () => {
    everyHistory((steps) => {
      const rejected = new Set(steps.flatMap(({ run }) => (run.phase === 'approval' ? run.rejected : [])));
      for (const { run } of steps) {
        if (run.phase !== 'training') continue;
        expect(run.approved.length).toBeGreaterThanOrEqual(terms.minSites);
        for (const who of run.approved) expect(rejected.has(who)).toBe(false);
      }
    });
  });

  it('never uses a pair of round and attempt for two starts', () => {
    everyHistory((steps) => {
      const started = steps.flatMap(({ run, effects }) =>
        run.phase === 'training' && effects.includes('start-round') ? [`${run.round}.${run.attempt}`] : [],
      );
      expect(new Set(started).size).toBe(started.length);
    });
  });

  it('starts each round that it names, and stops it when it is paused, cancelled or left by too many', () => {
    const named = (run: Run | undefined): string => (run?.phase === 'training' ? `${run.round}.${run.attempt}` : '');
    everyHistory((steps) => {
      steps.forEach(({ run, effects }, i) => {
        const before = steps[i - 1]?.run;
        const left = run.phase === 'failed' && run.code === 'PLAN_REJECTED';
        const isCut = run.phase === 'paused' || run.phase === 'cancelled' || left;
        expect(effects.includes('start-round')).toBe(named(run) !== '' && named(run) !== named(before));
        expect(effects.includes('stop-round')).toBe(before?.phase === 'training' && isCut);
      });
    });
  });

  it('announces its end once, and then accepts nothing', () => {
    everyHistory((steps) => {
      const ends = steps.filter(({ effects }) => effects.includes('announce-end'));
      const overAt = steps.findIndex(({ run }) => isRunOver(run));
      expect(ends.length).toBe(overAt >= 0 ? 1 : 0);
      if (overAt >= 0) expect(overAt).toBe(steps.length - 1);
    });
  });

  it('publishes a model exactly when it finishes', () => {
    everyHistory((steps) => {
      for (const { run, effects } of steps) expect(effects.includes('publish-model')).toBe(run.phase === 'finished');
    });
  });

  it('never changes the run that it was given', () => {
    fc.assert(
      fc.property(history, event, (events, next) => {
        const run = last(...events);
        const before = JSON.stringify(run);
        stepRun(run, next, terms);
        expect(JSON.stringify(run)).toBe(before);
      }),
    );
  });

  it('answers the same for a run that was written to disk and read again', () => {
    fc.assert(
      fc.property(history, event, (events, next) => {
        const run = last(...events);
        expect(stepRun(JSON.parse(JSON.stringify(run)) as Run, next, terms)).toEqual(stepRun(run, next, terms));
      }),
    );
  });
});

describe('approval', () => {
  it('ends when the last site approves, and starts the first round', () => {
    expect(stepRun(last(approve(constructor), approve(berlin)), approve(aarhus), terms)).toEqual({
      run: { phase: 'training', round: 1, attempt: 1, failedAttempts: 0, approved: SITES },
      effects: ['start-round'],
    });
  });

  it('waits for every decision, even when enough have approved', () => {
    expect(last(approve(berlin), approve(aarhus))).toEqual({
      phase: 'approval',
      approved: [aarhus, berlin],
      rejected: [],
    });
  });

  it('goes on without a site that rejected', () => {
    expect(last(approve(aarhus), reject(constructor), approve(berlin))).toMatchObject({
      phase: 'training',
      approved: [aarhus, berlin],
    });
  });

  it('fails when too few have approved', () => {
    expect(stepRun(last(approve(aarhus), reject(berlin)), reject(constructor), terms)).toEqual({
      run: { phase: 'failed', code: 'PLAN_REJECTED' },
      effects: ['announce-end'],
    });
  });

  it('refuses a site outside the plan, and a second decision', () => {
    const run = last(approve(constructor));
    expect(refusal(stepRun(run, approve(stranger), terms))).toBe('not-in-plan');
    expect(refusal(stepRun(run, approve(constructor), terms))).toBe('already-decided');
    expect(refusal(stepRun(run, reject(constructor), terms))).toBe('already-decided');
    expect(refusal(stepRun(run, roundPublished, terms))).toBe('wrong-phase');
  });
});

describe('training', () => {
  it('goes from round to round', () => {
    expect(stepRun(last(...approved), roundPublished, terms)).toMatchObject({
      run: { round: 2, attempt: 1 },
      effects: ['start-round'],
    });
  });

  it('repeats a round that was abandoned, as the next attempt', () => {
    expect(stepRun(last(...approved), roundAbandoned, terms)).toMatchObject({
      run: { round: 1, attempt: 2, failedAttempts: 1 },
      effects: ['start-round'],
    });
  });

  it('fails when a round was abandoned too often', () => {
    expect(stepRun(last(...approved, roundAbandoned), roundAbandoned, terms)).toEqual({
      run: { phase: 'failed', code: 'RUN_FAILED' },
      effects: ['announce-end'],
    });
  });

  it('counts the failures of each round by themselves', () => {
    expect(last(...approved, roundAbandoned, roundPublished, roundAbandoned)).toMatchObject({
      phase: 'training',
      round: 2,
      attempt: 2,
      failedAttempts: 1,
    });
  });

  it('ends in the evaluation of the last round’s model', () => {
    expect(stepRun(last(...approved, roundPublished, roundPublished), roundPublished, terms)).toEqual({
      run: { phase: 'evaluation', modelDigest, evaluated: [], approved: SITES },
      effects: ['offer-evaluation'],
    });
  });
});

describe('evaluation', () => {
  it('finishes when every site has answered', () => {
    expect(stepRun(last(...trained, evaluated(constructor), evaluated(berlin)), evaluated(aarhus), terms)).toEqual({
      run: { phase: 'finished', modelDigest },
      effects: ['publish-model', 'announce-end'],
    });
  });

  it('finishes at its deadline with whatever came', () => {
    expect(stepRun(last(...trained), { type: 'evaluation-deadline-passed' }, terms)).toEqual({
      run: { phase: 'finished', modelDigest },
      effects: ['publish-model', 'announce-end'],
    });
  });

  it('refuses a site that does not take part, and a second answer', () => {
    const some = [reject(aarhus), approve(berlin), approve(constructor)];
    const run = last(...some, roundPublished, roundPublished, roundPublished, evaluated(berlin));
    expect(refusal(stepRun(run, evaluated(aarhus), terms))).toBe('not-approved');
    expect(refusal(stepRun(run, evaluated(berlin), terms))).toBe('already-evaluated');
  });
});

describe('a pause', () => {
  it('stops the round, and resuming repeats it under the next attempt', () => {
    const paused = stepRun(last(...approved), pause, terms);
    expect(paused).toMatchObject({ run: { phase: 'paused' }, effects: ['stop-round'] });
    expect(stepRun(last(...approved, pause), resume, terms)).toEqual({
      run: { phase: 'training', round: 1, attempt: 2, failedAttempts: 0, approved: SITES },
      effects: ['start-round'],
    });
  });

  it('does not use up attempts, however often it is repeated', () => {
    const pauses = Array.from({ length: 10 }, () => [pause, resume]).flat();
    expect(last(...approved, ...pauses, roundAbandoned)).toMatchObject({
      phase: 'training',
      attempt: 12,
      failedAttempts: 1,
    });
  });

  it('keeps the decisions and offers the plan again', () => {
    expect(stepRun(last(approve(aarhus), pause), resume, terms)).toEqual({
      run: { phase: 'approval', approved: [aarhus], rejected: [] },
      effects: ['offer-plan'],
    });
  });

  it('keeps the answers and offers the evaluation again', () => {
    expect(stepRun(last(...trained, evaluated(berlin), pause), resume, terms)).toMatchObject({
      run: { phase: 'evaluation', evaluated: [berlin] },
      effects: ['offer-evaluation'],
    });
  });

  it('takes no news of the round that it stopped', () => {
    const run = last(...approved, pause);
    for (const late of [roundPublished, roundAbandoned, pause, approve(aarhus)]) {
      expect(refusal(stepRun(run, late, terms))).toBe('wrong-phase');
    }
  });

  it('cannot be ended where there is none', () => {
    expect(refusal(stepRun(last(...approved), resume, terms))).toBe('wrong-phase');
  });
});

describe('a withdrawal', () => {
  it('before the decision is a rejection, also of a site that had approved', () => {
    expect(last(approve(aarhus), withdraw(aarhus))).toEqual({ phase: 'approval', approved: [], rejected: [aarhus] });
    expect(last(approve(aarhus), approve(berlin), withdraw(constructor))).toMatchObject({
      phase: 'training',
      approved: [aarhus, berlin],
    });
    expect(last(reject(aarhus), withdraw(berlin), approve(constructor))).toEqual({
      phase: 'failed',
      code: 'PLAN_REJECTED',
    });
  });

  it('leaves training to the others, and ends it below the quorum', () => {
    expect(stepRun(last(...approved), withdraw(berlin), terms)).toEqual({
      run: { phase: 'training', round: 1, attempt: 1, failedAttempts: 0, approved: [aarhus, constructor] },
      effects: [],
    });
    expect(stepRun(last(...approved, withdraw(berlin)), withdraw(aarhus), terms)).toEqual({
      run: { phase: 'failed', code: 'PLAN_REJECTED' },
      effects: ['stop-round', 'announce-end'],
    });
  });

  it('keeps a trained model, and finishes when only this site was waited for', () => {
    const run = last(...trained, evaluated(aarhus), withdraw(aarhus), evaluated(berlin));
    expect(run).toMatchObject({ phase: 'evaluation', evaluated: [berlin], approved: [berlin, constructor] });
    expect(stepRun(run, withdraw(constructor), terms)).toMatchObject({ run: { phase: 'finished' } });
  });

  it('during a pause shows when the run is resumed', () => {
    const paused = last(...approved, pause, withdraw(aarhus));
    expect(stepRun(paused, resume, terms)).toMatchObject({ run: { approved: [berlin, constructor] } });
    expect(last(...approved, pause, withdraw(aarhus), withdraw(berlin))).toMatchObject({ phase: 'failed' });
    expect(last(approve(aarhus), approve(berlin), pause, withdraw(constructor), resume)).toMatchObject({
      phase: 'training',
    });
    const measured = [...trained, evaluated(aarhus), evaluated(berlin), pause, withdraw(constructor)];
    expect(last(...measured, resume)).toMatchObject({ phase: 'finished' });
  });

  it('is of a site that takes part, once', () => {
    expect(refusal(stepRun(last(), withdraw(stranger), terms))).toBe('not-in-plan');
    expect(refusal(stepRun(last(reject(aarhus)), withdraw(aarhus), terms))).toBe('already-decided');
    expect(refusal(stepRun(last(...approved, withdraw(aarhus)), withdraw(aarhus), terms))).toBe('not-approved');
    expect(refusal(stepRun(last(cancel), withdraw(aarhus), terms))).toBe('wrong-phase');
  });

  it('is final: a later approval of the same run changes nothing', () => {
    expect(refusal(stepRun(last(approve(aarhus), withdraw(aarhus)), approve(aarhus), terms))).toBe('already-decided');
  });
});

describe('cancelling', () => {
  it('stops a round that is under way', () => {
    expect(stepRun(last(...approved), cancel, terms)).toEqual({
      run: { phase: 'cancelled' },
      effects: ['stop-round', 'announce-end'],
    });
  });

  it('works from everywhere but an end', () => {
    for (const run of [last(), last(...trained), last(...approved, pause)]) {
      expect(stepRun(run, cancel, terms)).toEqual({ run: { phase: 'cancelled' }, effects: ['announce-end'] });
    }
    expect(refusal(stepRun(last(cancel), cancel, terms))).toBe('wrong-phase');
  });
});
