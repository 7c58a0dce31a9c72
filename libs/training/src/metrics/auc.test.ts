import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auc } from './auc.js';

/** DeLong as written in the paper: every positive against every negative. */
function byPairs(labels: Uint8Array, scores: Float32Array): { value: number; variance: number } {
  const positives = [...scores].filter((_, i) => labels[i] === 1);
  const negatives = [...scores].filter((_, i) => labels[i] === 0);
  const wins = (a: number, b: number): number => (a > b ? 1 : a === b ? 0.5 : 0);
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = (values: number[]): number =>
    values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1);
  const v10 = positives.map((x) => mean(negatives.map((y) => wins(x, y))));
  const v01 = negatives.map((y) => mean(positives.map((x) => wins(x, y))));
  return { value: mean(v10), variance: variance(v10) / positives.length + variance(v01) / negatives.length };
}

/** The scores of `golden`: a linear congruential generator that NumPy code can repeat. */
function congruential(n: number): number[] {
  let state = 12345;
  return Array.from({ length: n }, () => (state = Number((1103515245n * BigInt(state) + 12345n) % 2147483648n)));
}

describe('the AUC', () => {
  it('equals scikit-learn and DeLong in NumPy on a thousand samples with many ties', () => {
    const numbers = congruential(2000);
    const labels = Uint8Array.from(numbers.slice(0, 1000), (x) => ((x >> 8) % 10 < 3 ? 1 : 0));
    const scores = Float32Array.from(numbers.slice(1000), (x, i) => {
      const base = Math.fround(((x >> 16) % 64) / 64);
      return Math.min(1, base * 0.75 + labels[i]! * 0.25);
    });
    const estimate = auc(labels, scores)!;
    expect(estimate.value).toBeCloseTo(0.7644003108033484, 12);
    expect(estimate.low).toBeCloseTo(0.7328191929062082, 9);
    expect(estimate.high).toBeCloseTo(0.7959814287004887, 9);
  });

  it('equals the comparison of all pairs', () => {
    const sample = fc.record({ label: fc.integer({ min: 0, max: 1 }), score: fc.integer({ min: 0, max: 8 }) });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 4, maxLength: 50 }), (samples) => {
        const labels = Uint8Array.from(samples, ({ label }) => label);
        const scores = Float32Array.from(samples, ({ score }) => score / 8);
        const positives = labels.reduce((sum, label) => sum + label, 0);
        fc.pre(positives > 1 && positives < labels.length - 1);
        const expected = byPairs(labels, scores);
        const estimate = auc(labels, scores)!;
        const half = 1.959963984540054 * Math.sqrt(expected.variance);
        expect(estimate.value).toBeCloseTo(expected.value, 10);
        expect(estimate.low).toBeCloseTo(Math.max(0, expected.value - half), 8);
        expect(estimate.high).toBeCloseTo(Math.min(1, expected.value + half), 8);
      }),
    );
  });

  it('does not change when scores are stretched in order', () => {
    const labels = Uint8Array.of(0, 1, 0, 1, 1, 0);
    const scores = Float32Array.of(0.1, 0.4, 0.35, 0.8, 0.7, 0.6);
    expect(
      auc(
        labels,
        scores.map((score) => score ** 3),
      ),
    ).toEqual(auc(labels, scores));
  });

  it('is one half when all scores are equal', () => {
    expect(auc(Uint8Array.of(0, 1, 0, 1), new Float32Array(4))?.value).toBe(0.5);
  });

  it('is one, with an interval of no width, when the classes do not overlap', () => {
    expect(auc(Uint8Array.of(0, 0, 1, 1), Float32Array.of(0.1, 0.2, 0.3, 0.4))).toEqual({ value: 1, low: 1, high: 1 });
  });

  it('of a single positive may be anything', () => {
    expect(auc(Uint8Array.of(0, 0, 1), Float32Array.of(0.1, 0.9, 0.5))).toEqual({ value: 0.5, low: 0, high: 1 });
  });

  it('of one class is undefined', () => {
    expect(auc(Uint8Array.of(1, 1), Float32Array.of(0.1, 0.2))).toBeNull();
    expect(auc(Uint8Array.of(0), Float32Array.of(0.1))).toBeNull();
  });

  it('of four hundred thousand samples is found by sorting', () => {
    // Comparing all pairs would take 40 thousand million comparisons and run into the test's time limit.
    const numbers = congruential(400_000);
    const labels = Uint8Array.from(numbers, (x) => (x >> 12) & 1);
    expect(
      auc(
        labels,
        Float32Array.from(numbers, (x) => x / 2 ** 31),
      )?.value,
    ).toBeCloseTo(0.5, 2);
  });
});
