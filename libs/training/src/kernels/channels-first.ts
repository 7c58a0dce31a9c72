import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape, transpose } from '../tensorflow/tfjs.js';
import type { Window } from './window.js';

/** A channels-last batch with its channels first, `[channels, batch, …]`. */
export function channelsFirst(x: Tensor): Tensor {
  // With one channel both are the same values in the same order.
  if (x.shape.at(-1) === 1) return reshape(x, [1, ...x.shape.slice(0, -1)]);
  const axes = x.shape.map((_, axis) => axis);
  return transpose(x, [axes.length - 1, ...axes.slice(0, -1)]);
}

/** The inverse of {@link channelsFirst} for a batch of the window's input, in the shape asked for. */
export function channelsLast(x: Tensor, { channels }: Window, shape: number[]): Tensor {
  return reshape(transpose(reshape(x, [channels, -1]), [1, 0]), shape);
}
