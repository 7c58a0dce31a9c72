import { InvariantError } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { BUCKETS, bucketOf } from './bucket.js';
import { coordinatorCosigner, coordinatorOrigin, shardYear, siteCosigner, siteOrigin } from './log-name.js';
import { quorumOf, toleratedFaults } from './quorum.js';

describe('buckets', () => {
  it('hold each count in exactly the range that its name says', () => {
    for (let count = 0; count <= 6000; count++) {
      const name = bucketOf(count);
      const [low, high] = name.endsWith('+') ? [5000, Infinity] : (name.split('-').map(Number) as [number, number]);
      expect(count >= low && count <= (high ?? low)).toBe(true);
    }
    expect(new Set(Array.from({ length: 6000 }, (_, count) => bucketOf(count)))).toEqual(new Set(BUCKETS));
  });

  it('take counts only', () => {
    for (const wrong of [-1, 0.5, NaN, Infinity]) expect(() => bucketOf(wrong)).toThrow(InvariantError);
  });
});

describe('quorums', () => {
  it.each([
    [1, 0, 1],
    [2, 0, 2],
    [3, 0, 2],
    [4, 1, 3],
    [5, 1, 4],
    [7, 2, 5],
    [10, 3, 7],
    [100, 33, 67],
  ])('of %i sites tolerate %i and take %i', (n, faults, quorum) => {
    expect([toleratedFaults(n), quorumOf(n)]).toEqual([faults, quorum]);
  });

  it('share an honest site, whichever two they are, and can be had without the faulty ones', () => {
    for (let n = 1; n <= 200; n++) {
      const [f, q] = [toleratedFaults(n), quorumOf(n)];
      expect(2 * q - n).toBeGreaterThan(f); // the overlap of any two
      expect(n - f).toBeGreaterThanOrEqual(q);
    }
  });

  it('are of sites that exist', () => {
    for (const wrong of [0, -1, 1.5]) expect(() => quorumOf(wrong)).toThrow(InvariantError);
  });
});

describe('names of logs', () => {
  it('are the federation’s, the site’s and the year’s', () => {
    expect(coordinatorOrigin('lung', 2026)).toBe('lung/coordinator/2026');
    expect(siteOrigin('lung', 'bonn', '2026-2')).toBe('lung/site/bonn/2026-2');
    expect([coordinatorCosigner('lung'), siteCosigner('lung', 'bonn')]).toEqual(['lung/coordinator', 'lung/site/bonn']);
  });

  it('tell the year of a shard, and none where there is none', () => {
    expect(shardYear('lung/coordinator/2026')).toBe(2026);
    expect(shardYear('lung/coordinator/2026-12')).toBe(2026);
    for (const other of ['lung/coordinator', 'lung/2026/coordinator', 'lung/coordinator/2026-0', '2026'])
      expect(shardYear(other)).toBeNaN();
  });
});
