import { tensor, tensor1d, tidy, unsortedSegmentSum } from '../tensorflow/tfjs.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';

describe('a sum over segments on wasm', () => {
  beforeAll(() => activateBackend('wasm'));

  const sums = (values: number[][], ids: number[], segments: number): number[][] =>
    tidy(() => unsortedSegmentSum(tensor(values), tensor1d(ids, 'int32'), segments).arraySync() as number[][]);

  it('adds up the rows of a segment, in whatever order they come', () => {
    expect(
      sums(
        [
          [1, 2],
          [10, 20],
          [100, 200],
        ],
        [2, 0, 2],
        3,
      ),
    ).toEqual([
      [10, 20],
      [0, 0],
      [101, 202],
    ]);
  });

  it('is zero for a segment without rows, also where memory was used before', () => {
    const ids = [0, 0, 0, 0];
    for (let i = 0; i < 3; i++) expect(sums([[1], [2], [3], [4]], ids, 4)).toEqual([[10], [0], [0], [0]]);
  });

  it('leaves out rows that belong nowhere', () => {
    expect(sums([[1], [2]], [-1, 1], 2)).toEqual([[0], [2]]);
  });
});
