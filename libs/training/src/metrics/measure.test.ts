import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Estimate } from './estimate.js';
import { measure } from './measure.js';

// 24 samples with ties. Expected values from scikit-learn 1.9.1 (roc_auc_score, brier_score_loss, log_loss),
// statsmodels (proportion_confint, method wilson) and a direct O(m·n) NumPy transcription of DeLong et al. 1988.
const LABELS = Uint8Array.of(0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0);
// prettier-ignore
const PROBABILITIES = Float32Array.of(
  0.125, 0.25, 0.75, 0.5, 0.5, 0.875, 0.375, 0.25, 0.9375, 0.0625, 0.625, 0.75,
  0.3125, 0.5, 0.625, 0.1875, 0.8125, 0.4375, 0.25, 0.6875, 0.5625, 0.03125, 0.375, 0.75,
);

function expectEstimate(came: Estimate | null, value: number, low: number, high: number): void {
  expect(came?.value).toBeCloseTo(value, 12);
  expect(came?.low).toBeCloseTo(low, 9);
  expect(came?.high).toBeCloseTo(high, 9);
}

describe('the metrics of a sample with ties', () => {
  const metrics = measure(LABELS, PROBABILITIES);

  it('have the AUC of scikit-learn and the interval of DeLong', () => {
    expectEstimate(metrics.auc, 0.7972027972027973, 0.6198829499302245, 0.9745226444753698);
  });

  it('have accuracy, sensitivity and specificity with Wilson’s intervals', () => {
    expectEstimate(metrics.accuracy, 16 / 24, 0.46706316838131734, 0.8202780967270225);
    expectEstimate(metrics.sensitivity, 8 / 11, 0.4343546988238708, 0.9025394070997511);
    expectEstimate(metrics.specificity, 8 / 13, 0.3552289151266569, 0.8229029220223744);
  });

  it('have the Brier score and the log loss with normal intervals', () => {
    expectEstimate(metrics.brier, 0.18233235677083334, 0.10982445917628383, 0.2548402543653828);
    expectEstimate(metrics.loss, 0.5286449396238351, 0.3636113850402137, 0.6936784942074565);
  });

  it('tell how many examples there were', () => {
    expect(metrics.examples).toBe(24);
  });
});

describe('the metrics', () => {
  it('of one class leave undefined what needs the other', () => {
    const { auc, sensitivity, specificity, accuracy, loss, brier } = measure(
      Uint8Array.of(1, 1),
      Float32Array.of(0.75, 0.25),
    );
    expect(auc).toBeNull();
    expect(specificity).toBeNull();
    expect(sensitivity?.value).toBe(0.5);
    expect(accuracy?.value).toBe(0.5);
    expect(loss?.value).toBeCloseTo(-Math.log(0.75 * 0.25) / 2, 12);
    expect(brier?.value).toBe((0.25 ** 2 + 0.75 ** 2) / 2);
  });

  it('of nothing are all undefined', () => {
    expect(measure(new Uint8Array(), new Float32Array())).toEqual({
      loss: null,
      auc: null,
      accuracy: null,
      sensitivity: null,
      specificity: null,
      brier: null,
      examples: 0,
    });
  });

  it('count a probability of exactly one half as positive', () => {
    const { sensitivity, specificity } = measure(Uint8Array.of(1, 0), Float32Array.of(0.5, 0.5));
    expect([sensitivity?.value, specificity?.value]).toEqual([1, 0]);
  });

  it('stay finite for certain and wrong predictions', () => {
    const { loss } = measure(Uint8Array.of(1, 0), Float32Array.of(0, 1));
    expect(loss?.value).toBeCloseTo(25 * Math.LN2, 12);
  });

  it('are JSON that can be read back', () => {
    const metrics = measure(LABELS, PROBABILITIES);
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
  });

  it('have intervals that hold their value and lie in the range of the measure', () => {
    const sample = fc.record({ label: fc.integer({ min: 0, max: 1 }), p: fc.float({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 60 }), (samples) => {
        const metrics = measure(
          Uint8Array.from(samples, ({ label }) => label),
          Float32Array.from(samples, ({ p }) => p),
        );
        for (const [name, estimate] of Object.entries(metrics)) {
          if (estimate === null || typeof estimate === 'number') continue;
          const { value, low, high } = estimate as Estimate;
          expect(low).toBeLessThanOrEqual(value);
          expect(high).toBeGreaterThanOrEqual(value);
          expect(low).toBeGreaterThanOrEqual(0);
          if (name !== 'loss') expect(high).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('refuse what is not a probability', () => {
    expect(() => measure(Uint8Array.of(1), Float32Array.of(NaN))).toThrow('probabilities');
    expect(() => measure(Uint8Array.of(1), Float32Array.of(1.5))).toThrow('probabilities');
    expect(() => measure(Uint8Array.of(1, 0), Float32Array.of(0.5))).toThrow('one probability for each label');
  });
});
