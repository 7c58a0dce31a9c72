import type { Tensor5D } from '@tensorflow/tfjs-core';
import { grad, maxPool3d, reshape, tensor, tidy } from '../tensorflow/tfjs.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';

describe.each(['cpu', 'wasm'] as const)('the gradient of a 3-D max-pool on %s', (backend) => {
  beforeAll(() => activateBackend(backend));

  const gradientOf = (values: number[], shape: number[], size: [number, number, number]): number[] =>
    tidy(() => {
      const x = reshape(tensor(values), shape) as Tensor5D;
      const pool = (input: Tensor5D): Tensor5D => maxPool3d(input, size, size, 'valid');
      const dy = tensor(Array(pool(x).size).fill(1), pool(x).shape);
      return [...grad((input) => pool(input as Tensor5D))(x, dy).dataSync()];
    });

  it('goes to the maximum of a window that is wider than high, wherever it lies', () => {
    for (let at = 0; at < 12; at++) {
      const values = Array.from({ length: 12 }, (_, i) => (i === at ? 5 : -i));
      const expected = values.map((_, i) => (i === at ? 1 : 0));
      expect(gradientOf(values, [1, 2, 2, 3, 1], [2, 2, 3])).toEqual(expected);
      expect(gradientOf(values, [1, 1, 3, 4, 1], [1, 3, 4])).toEqual(expected);
    }
  });

  it('goes to the first of equals', () => {
    expect(gradientOf([3, 3, 1, 3], [1, 1, 2, 2, 1], [1, 2, 2])).toEqual([1, 0, 0, 0]);
  });

  it('keeps channels and samples apart', () => {
    // Two samples of two positions and two channels.
    expect(gradientOf([1, 9, 2, 8, 7, 3, 6, 4], [2, 1, 1, 2, 2], [1, 1, 2])).toEqual([0, 1, 1, 0, 1, 0, 0, 1]);
  });
});
