import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRounded, rounded } from './significant.js';

describe('three significant digits', () => {
  it.each([
    [0.812_345, 0.812],
    [0.000_123_456, 0.000_123],
    [-0.019_99, -0.02],
    [1.0049, 1],
    [12_345, 12_300],
    [0, 0],
    [0.5, 0.5],
  ])('make %d to %d', (value, expected) => {
    expect(rounded(value)).toBe(expected);
  });

  it('are kept by a number that has no more, so that rounding twice is rounding once', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), (value) => {
        expect(isRounded(rounded(value))).toBe(true);
        expect(Math.abs(rounded(value) - value)).toBeLessThanOrEqual(Math.abs(value) * 0.005 + Number.MIN_VALUE);
      }),
    );
  });

  it('are not those of a number that is none, or of one with more', () => {
    for (const value of [Number.NaN, Infinity, 0.8123, 1_001]) expect(isRounded(value)).toBe(false);
  });
});
