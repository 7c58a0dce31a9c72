import type { Tensor, Tensor4D, Tensor5D } from '@tensorflow/tfjs-core';
import { conv2d, conv3d, sub, tensor, tidy } from '../tfjs.js';
import { seededRandom } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../backend.js';
import { dilated } from './dilated.js';

const normal = (shape: number[], label: string): Tensor => {
  const random = seededRandom('test', label);
  return tensor(
    Float32Array.from({ length: shape.reduce((product, length) => product * length, 1) }, random.normal),
    shape,
  );
};

describe.each(['cpu', 'wasm'] as const)('a dilated kernel on %s', (backend) => {
  beforeAll(() => activateBackend(backend));

  it('has zeros between its elements and none around them', () => {
    tidy(() => {
      const kernel = dilated(tensor([1, 2, 3, 4, 5, 6], [2, 3, 1, 1]), [3, 2]);
      expect(kernel.shape).toEqual([4, 5, 1, 1]);
      expect([...kernel.dataSync()]).toEqual([1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 5, 0, 6]);
    });
  });

  it('is itself where its elements are neighbours', () => {
    tidy(() => {
      const kernel = normal([2, 3, 2, 2], 'kernel');
      expect(dilated(kernel, [1, 1])).toBe(kernel);
    });
  });

  // Upstream computes these forward, on `cpu` and `wasm` alike, and refuses their gradients.
  it.each(['same', 'valid'] as const)('convolves images as the dilated convolution does: %s', (padding) => {
    tidy(() => {
      const [x, kernel] = [normal([2, 9, 8, 3], 'x') as Tensor4D, normal([3, 2, 3, 4], 'kernel') as Tensor4D];
      const expected = conv2d(x, kernel, 1, padding, 'NHWC', [2, 3]);
      const came = conv2d(x, dilated(kernel, [2, 3]) as Tensor4D, 1, padding);
      expect(came.shape).toEqual(expected.shape);
      expect(largest(sub(came, expected))).toBeLessThan(1e-5);
    });
  });

  it('convolves volumes, too', () => {
    tidy(() => {
      const [x, kernel] = [normal([1, 6, 7, 5, 2], 'x') as Tensor5D, normal([2, 3, 1, 2, 3], 'kernel') as Tensor5D];
      const came = conv3d(x, dilated(kernel, [3, 2, 1]) as Tensor5D, 1, 'valid');
      expect(came.shape).toEqual([1, 3, 3, 5, 3]);
      // One element by hand: the sum over the eighteen taps of 2 channels at position (1, 2, 3), filter 1.
      const [values, weights] = [x.arraySync(), kernel.arraySync()];
      let sum = 0;
      for (let d = 0; d < 2; d++)
        for (let h = 0; h < 3; h++)
          for (let c = 0; c < 2; c++) sum += values[0]![1 + 3 * d]![2 + 2 * h]![3]![c]! * weights[d]![h]![0]![c]![1]!;
      expect(came.arraySync()[0]![1]![2]![3]![1]).toBeCloseTo(sum, 4);
    });
  });
});

const largest = (x: Tensor): number =>
  x.dataSync<'float32'>().reduce((max, value) => Math.max(max, Math.abs(value)), 0);
