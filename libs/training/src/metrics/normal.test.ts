import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalCdf, normalQuantile } from './normal.js';

// scipy.stats.norm 1.17
describe('the standard normal distribution', () => {
  it.each([
    [0, 0.5],
    [0.3, 0.6179114221889526],
    [-2.7, 0.0034669738030406643],
    [4.5, 0.9999966023268753],
    [-6, 9.86587645037698e-10],
  ])('has at %d the share %d below', (x, share) => {
    expect(normalCdf(x)).toBeCloseTo(share, 14);
  });

  it.each([
    [0.975, 1.959963984540054],
    [0.3, -0.5244005127080409],
    [0.01, -2.3263478740408408],
    [1e-4, -3.7190164854556804],
  ])('has %d below the quantile %d', (share, x) => {
    expect(normalQuantile(share)).toBeCloseTo(x, 12);
  });

  it('has quantiles that undo its shares', () => {
    fc.assert(
      fc.property(fc.double({ min: -5, max: 5, noNaN: true }), (x) => {
        expect(normalQuantile(normalCdf(x))).toBeCloseTo(x, 8);
      }),
    );
  });

  it('has no end', () => {
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
  });
});
