import type { Tensor4D } from '@tensorflow/tfjs-core';
import { depthwiseConv2d, grads, tensor, tidy } from '../tensorflow/tfjs.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';

describe.each(['cpu', 'wasm'] as const)('the gradients of a depthwise convolution on %s', (backend) => {
  beforeAll(() => activateBackend(backend));

  const gradients = (x: Tensor4D, w: Tensor4D, dy: Tensor4D): number[][] =>
    grads((image, filter) => depthwiseConv2d(image as Tensor4D, filter as Tensor4D, 1, 'valid'))([x, w], dy).map(
      (gradient) => [...gradient.dataSync()],
    );

  it('are those worked out by hand for one row and two filters', () => {
    tidy(() => {
      // y[p, m] = x[p]·w[0, m] + x[p + 1]·w[1, m] at two positions.
      const x = tensor([1, 2, 3], [1, 1, 3, 1]) as Tensor4D;
      const w = tensor([5, 7, 11, 13], [1, 2, 1, 2]) as Tensor4D;
      const dy = tensor([1, 10, 100, 1000], [1, 1, 2, 2]) as Tensor4D;
      const [dx, dw] = gradients(x, w, dy);
      expect(dx).toEqual([5 + 70, 11 + 130 + 500 + 7000, 1100 + 13_000]);
      expect(dw).toEqual([1 + 200, 10 + 2000, 2 + 300, 20 + 3000]);
    });
  });

  it('keep channels apart', () => {
    tidy(() => {
      const x = tensor([1, 2, 3, 4], [1, 1, 2, 2]) as Tensor4D;
      const w = tensor([1, 1], [1, 1, 2, 1]) as Tensor4D;
      // Only the second channel has a gradient.
      const dy = tensor([0, 5, 0, 6], [1, 1, 2, 2]) as Tensor4D;
      const [dx, dw] = gradients(x, w, dy);
      expect(dx).toEqual([0, 5, 0, 6]);
      expect(dw).toEqual([0, 2 * 5 + 4 * 6]);
    });
  });

  it('add up over the samples of a batch for the filter', () => {
    tidy(() => {
      const x = tensor([2, 3], [2, 1, 1, 1]) as Tensor4D;
      const dy = tensor([10, 100], [2, 1, 1, 1]) as Tensor4D;
      const [dx, dw] = gradients(x, tensor([7], [1, 1, 1, 1]) as Tensor4D, dy);
      expect(dw).toEqual([320]);
      expect(dx).toEqual([70, 700]);
    });
  });
});
