import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batches } from './batches.js';

const take = (count: number, batchSize: number, batches: number, seed = 1): number[][] => {
  const sequence = new Batches(count, batchSize, ['test', seed]);
  return Array.from({ length: batches }, (_, i) => [...sequence.at(i + 1)]);
};

const sizes = fc.record({
  count: fc.integer({ min: 1, max: 40 }),
  batchSize: fc.integer({ min: 1, max: 50 }),
  batches: fc.integer({ min: 1, max: 12 }),
});

describe('batches', () => {
  it('all have the same size, even where the batch is larger than the data', () => {
    fc.assert(
      fc.property(sizes, ({ count, batchSize, batches }) => {
        for (const batch of take(count, batchSize, batches)) expect(batch).toHaveLength(batchSize);
      }),
    );
  });

  it('never show a sample more than once more often than another', () => {
    fc.assert(
      fc.property(sizes, ({ count, batchSize, batches }) => {
        const seen = new Array<number>(count).fill(0);
        for (const sample of take(count, batchSize, batches).flat()) seen[sample]!++;
        expect(Math.max(...seen) - Math.min(...seen)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('are passes over the data in a new order each', () => {
    const [first, second] = [take(20, 10, 4).slice(0, 2).flat(), take(20, 10, 4).slice(2).flat()];
    expect([...first].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect([...second].sort((a, b) => a - b)).toEqual([...first].sort((a, b) => a - b));
    expect(second).not.toEqual(first);
  });

  it('are the same for the same seed and others for another', () => {
    expect(take(30, 7, 9)).toEqual(take(30, 7, 9));
    expect(take(30, 7, 9, 2)).not.toEqual(take(30, 7, 9, 1));
  });

  it('can be had in any order', () => {
    const sequence = new Batches(10, 4, ['test', 1]);
    const backwards = [7, 3, 1].map((step) => [...sequence.at(step)]);
    expect(backwards).toEqual([7, 3, 1].map((step) => take(10, 4, 7)[step - 1]));
  });

  it('refuse to be made of nothing', () => {
    expect(() => take(0, 4, 1)).toThrow('at least one sample');
  });
});
