import { describe, expect, it } from 'vitest';
import { exactOf } from './exact.fixture.js';
import { EXAMPLES_MAX, isExamples } from './examples.js';

describe('a number of examples', () => {
  it.each([1, 2, 546, 100_000, EXAMPLES_MAX])('may be %d', (examples) => {
    expect(isExamples(examples)).toBe(true);
  });

  it.each([0, -0, -1, 1.5, EXAMPLES_MAX + 1, 2 ** 53, Number.NaN, Infinity])('is not %d', (examples) => {
    expect(isExamples(examples)).toBe(false);
  });

  it('times a float32 is exact in float64', () => {
    // The largest count times float32 values whose 24 significant bits are all set.
    for (const value of [1 - 2 ** -24, 2 ** 24 - 1, -(2 - 2 ** -23)]) {
      const scaled = value * 2 ** 60;
      expect(BigInt(scaled * EXAMPLES_MAX)).toBe((exactOf(scaled) * BigInt(EXAMPLES_MAX)) >> 149n);
    }
  });
});
