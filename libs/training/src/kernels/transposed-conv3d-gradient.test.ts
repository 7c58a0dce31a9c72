import type { Tensor, Tensor5D } from '@tensorflow/tfjs-core';
import { conv3d, conv3dTranspose, grads, reshape, tensor, tidy } from '../tensorflow/tfjs.js';
import { seededRandom } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';

const normal = (shape: number[], label: string): Tensor5D => {
  const random = seededRandom('test', label);
  const size = shape.reduce((product, length) => product * length, 1);
  return reshape(tensor(Float32Array.from({ length: size }, random.normal)), shape) as Tensor5D;
};
const dot = (a: Tensor, b: Tensor): number => {
  const other = b.dataSync();
  return a.dataSync<'float32'>().reduce((sum, value, i) => sum + value * other[i]!, 0);
};

describe.each(['cpu', 'wasm'] as const)('a transposed 3-D convolution on %s', (backend) => {
  beforeAll(() => activateBackend(backend));

  it.each([
    ['same', [1, 4, 6, 4, 2]],
    ['valid', [1, 5, 7, 4, 2]],
  ] as const)('is the transpose: ⟨Tx, y⟩ = ⟨x, Cy⟩, and so are its gradients (%s)', (padding, outputShape) => {
    tidy(() => {
      const [x, filter] = [normal([1, 2, 3, 4, 3], 'x'), normal([3, 3, 1, 2, 3], 'filter')];
      const stride: [number, number, number] = [2, 2, 1];
      const spread = (input: Tensor, weights: Tensor): Tensor =>
        conv3dTranspose(input as Tensor5D, weights as Tensor5D, [...outputShape], stride, padding);
      const y = normal([...outputShape], 'y');
      const expected = dot(spread(x, filter), y);
      expect(dot(x, conv3d(y, filter, stride, padding))).toBeCloseTo(expected, 3);
      // It is linear in each, so ⟨gradient, argument⟩ is the value itself (Euler).
      const [dx, dFilter] = grads(spread)([x, filter], y);
      expect(dot(dx!, x)).toBeCloseTo(expected, 3);
      expect(dot(dFilter!, filter)).toBeCloseTo(expected, 3);
    });
  });
});
