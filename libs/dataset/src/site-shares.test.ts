import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareOut } from './site-shares.js';

const available = { positives: 146, negatives: 399 };
const total = (shares: readonly { positives: number; negatives: number }[]) => ({
  positives: shares.reduce((sum, { positives }) => sum + positives, 0),
  negatives: shares.reduce((sum, { negatives }) => sum + negatives, 0),
});

describe('shareOut', () => {
  it('gives four sites 110, 120, 140 and 175 images of BreastMNIST with 58, 34, 18 and 9 % malignant', () => {
    const shares = shareOut(4, available);
    expect(shares.map(({ positives, negatives }) => positives + negatives)).toEqual([110, 120, 140, 175]);
    expect(shares.map(({ positives, negatives }) => Math.round((100 * positives) / (positives + negatives)))).toEqual([
      58, 34, 18, 9,
    ]);
    // By hand: 63.8, 40.8, 25.2 and 15.75 rounded.
    expect(shares.map(({ positives }) => positives)).toEqual([64, 41, 25, 16]);
    expect(total(shares)).toEqual(available);
  });

  it('gives one site everything', () => {
    expect(shareOut(1, available)).toEqual([available]);
  });

  it('gives other numbers of sites nearly everything, with falling shares of positives', () => {
    for (const sites of [2, 3, 5, 8]) {
      const shares = shareOut(sites, available);
      expect(total(shares).positives + total(shares).negatives).toBeGreaterThan(545 - 2 * sites);
      const portions = shares.map(({ positives, negatives }) => positives / (positives + negatives));
      expect(portions).toEqual([...portions].sort((a, b) => b - a));
      expect(portions[0]! - portions.at(-1)!).toBeGreaterThan(0.4);
    }
  });

  it('never gives away more than there is, nor less than nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(500), fc.nat(2000), (sites, positives, negatives) => {
        const shares = shareOut(sites, { positives, negatives });
        expect(shares).toHaveLength(sites);
        expect(total(shares).positives).toBeLessThanOrEqual(positives);
        expect(total(shares).negatives).toBeLessThanOrEqual(negatives);
        for (const share of shares) expect(Math.min(share.positives, share.negatives)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
