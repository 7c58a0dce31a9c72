import type { Tensor } from '@tensorflow/tfjs-core';
import { pad, reshape, slice } from '../tfjs.js';

/**
 * A kernel whose elements lie `dilation` apart, with zeros between them: convolving with it is the dilated convolution.
 *
 * Upstream: TensorFlow.js computes dilated convolutions but has no gradients for them. This one has, at the price of
 * multiplying with the zeros, too.
 */
export function dilated(kernel: Tensor, dilation: readonly number[]): Tensor {
  let result = kernel;
  dilation.forEach((gap, axis) => {
    if (gap > 1) result = apart(result, axis, gap);
  });
  return result;
}

/** [.., length, ..] with `gap` − 1 zeros between neighbours along an axis. */
function apart(kernel: Tensor, axis: number, gap: number): Tensor {
  const before = kernel.shape.slice(0, axis);
  const after = kernel.shape.slice(axis + 1);
  const length = kernel.shape[axis]!;
  const [rows, columns] = [product(before) * length, product(after)];
  const padded = pad(reshape(kernel, [rows, columns]), [
    [0, 0],
    [0, (gap - 1) * columns],
  ]);
  const spread = reshape(padded, [product(before), length * gap, columns]);
  // The last element has no neighbour.
  const kept = slice(spread, [0, 0, 0], [product(before), (length - 1) * gap + 1, columns]);
  return reshape(kept, [...before, (length - 1) * gap + 1, ...after]);
}

const product = (shape: readonly number[]): number => shape.reduce((all, length) => all * length, 1);
