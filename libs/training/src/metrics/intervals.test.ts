import { describe, expect, it } from 'vitest';
import { meanOf } from './mean.js';
import { wilson } from './wilson.js';

describe('Wilson’s score interval', () => {
  // statsmodels.stats.proportion.proportion_confint(…, method='wilson')
  it.each([
    [0, 10, 0, 0.27753279986288926],
    [10, 10, 0.7224672001371106, 1],
    [1, 2, 0.09453120573423068, 0.9054687942657693],
    [81, 263, 0.2552885198782742, 0.36620957698280004],
    [156, 156, 0.9759670685625849, 1],
    [5, 1000, 0.0021375355273244604, 0.011650955373375117],
  ])('of %d in %d is that of statsmodels', (successes, trials, low, high) => {
    const estimate = wilson(successes, trials)!;
    expect(estimate.value).toBe(successes / trials);
    expect(estimate.low).toBeCloseTo(low, 12);
    expect(estimate.high).toBeCloseTo(high, 12);
  });

  it('of no trial is undefined', () => {
    expect(wilson(0, 0)).toBeNull();
  });
});

describe('the interval of a mean', () => {
  it('is 1.96 standard errors to each side', () => {
    // Mean 3, unbiased variance 2.5, so the half width is 1.959963984540054 · √0.5.
    const { value, low, high } = meanOf(Float64Array.of(1, 2, 3, 4, 5), -Infinity, Infinity)!;
    expect(value).toBe(3);
    expect(low).toBeCloseTo(1.614096175650322, 12);
    expect(high).toBeCloseTo(4.385903824349678, 12);
  });

  it('is cut to the range of the measure', () => {
    expect(meanOf(Float64Array.of(0, 1), 0, 1)).toEqual({ value: 0.5, low: 0, high: 1 });
  });

  it('of a single value has no width', () => {
    expect(meanOf(Float64Array.of(0.3), 0, 1)).toEqual({ value: 0.3, low: 0.3, high: 0.3 });
  });

  it('of nothing is undefined', () => {
    expect(meanOf(new Float64Array(), 0, 1)).toBeNull();
  });
});
