import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sigmoid, softplus } from './sigmoid.js';

const logit = fc.double({ min: -1e4, max: 1e4, noNaN: true });

describe('sigmoid', () => {
  it('stays in [0, 1] and is symmetric, however large the logit', () => {
    fc.assert(
      fc.property(logit, (z) => {
        expect(sigmoid(z)).toBeGreaterThanOrEqual(0);
        expect(sigmoid(z)).toBeLessThanOrEqual(1);
        expect(sigmoid(z) + sigmoid(-z)).toBeCloseTo(1, 12);
      }),
    );
  });
});

describe('softplus', () => {
  it('is the negative logarithm of the sigmoid of the other side', () => {
    fc.assert(
      fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (z) => {
        expect(softplus(z)).toBeCloseTo(-Math.log(sigmoid(-z)), 9);
      }),
    );
  });

  it('neither overflows nor loses the last digits', () => {
    expect(softplus(1e4)).toBe(1e4);
    expect(softplus(-40)).toBeCloseTo(Math.exp(-40), 30);
    expect(softplus(-1e4)).toBe(0);
  });
});
