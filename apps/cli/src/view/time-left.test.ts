import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passOf, runOf, siteOf } from '../testing/run.fixture.js';
import { shareDone, timeLeft } from './time-left.js';

/** Rounds of one second each, one after the other. */
const passes = (count: number) =>
  Array.from({ length: count }, (_, i) => passOf(i + 1, { startedMs: 1000 * i, endedMs: 1000 * (i + 1) }));

describe('the time left', () => {
  it('is not known before the first round is published', () => {
    expect(timeLeft(runOf(), 0)).toBeUndefined();
  });

  it('is not known while the run does not train', () => {
    for (const state of ['approval', 'paused', 'evaluation', 'finished'] as const)
      expect(timeLeft(runOf({ state, history: passes(3) }), 3_000)).toBeUndefined();
  });

  it('is the mean of the rounds before times the rounds to come', () => {
    expect(timeLeft(runOf({ round: 4, history: passes(3) }), 3_000)).toBe(17_000);
  });

  it('shrinks while the current round runs, and no further than that round', () => {
    const run = runOf({ round: 4, history: passes(3) });
    expect(timeLeft(run, 3_400)).toBe(16_600);
    expect(timeLeft(run, 60_000)).toBe(16_000);
  });

  it('does not grow when this machine’s clock is behind the coordinator’s', () => {
    expect(timeLeft(runOf({ history: passes(3) }), -5_000)).toBe(17_000);
  });

  it('follows the last five rounds, so that a slow beginning is forgotten', () => {
    const slow = passOf(1, { startedMs: -100_000, endedMs: 0 });
    expect(timeLeft(runOf({ rounds: 7, history: [slow, ...passes(6).slice(1)] }), 6_000)).toBe(1_000);
  });

  it('does not count abandoned attempts', () => {
    const abandoned = passOf(2, { outcome: 'abandoned', startedMs: 1_000, endedMs: 61_000 });
    expect(timeLeft(runOf({ rounds: 2, history: [...passes(1), abandoned] }), 1_000)).toBe(1_000);
  });

  it('is nothing after the last round', () => {
    expect(timeLeft(runOf({ rounds: 3, history: passes(3) }), 3_000)).toBe(0);
  });
});

describe('the share that is done', () => {
  const training = (published: number, steps: [number, number][]) =>
    runOf({ history: passes(published), sites: steps.map(([step, of], i) => siteOf(`s${i}`, { step, steps: of })) });

  it('counts published rounds and the sites’ mean progress in the current one', () => {
    expect(shareDone(training(5, []))).toBe(0.25);
    expect(
      shareDone(
        training(5, [
          [15, 30],
          [30, 30],
        ]),
      ),
    ).toBeCloseTo((5 + 0.75 * 0.99) / 20, 10);
  });

  it('does not count a round as done before it is published', () => {
    expect(shareDone(training(19, [[30, 30]]))).toBeLessThan(1);
  });

  it('is whole once the final model is being measured', () => {
    expect(shareDone(runOf({ state: 'evaluation' }))).toBe(1);
    expect(shareDone(runOf({ state: 'finished' }))).toBe(1);
  });

  it('stands still while the run is paused', () => {
    expect(
      shareDone(runOf({ state: 'paused', history: passes(5), sites: [siteOf('a', { step: 9, steps: 10 })] })),
    ).toBe(0.25);
  });

  it('is nothing for a run without rounds', () => {
    expect(shareDone(runOf({ rounds: 0 }))).toBe(0);
  });

  it('never goes back while a run goes on', () => {
    fc.assert(
      fc.property(fc.nat(19), fc.nat(29), (published, step) => {
        const now = shareDone(training(published, [[step, 30]]));
        expect(shareDone(training(published, [[step + 1, 30]]))).toBeGreaterThanOrEqual(now);
        expect(shareDone(training(published + 1, [[0, 30]]))).toBeGreaterThanOrEqual(now);
      }),
    );
  });
});
