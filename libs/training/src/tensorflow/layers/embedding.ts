import type { Tensor } from '@tensorflow/tfjs-core';
import { cast, gather, reshape } from '../tfjs.js';

/** The kernel's row for each whole number of `x`; kernel [vocabulary, units]. */
export const embedding = (x: Tensor, kernel: Tensor): Tensor =>
  reshape(gather(kernel, cast(reshape(x, [-1]), 'int32')), [...x.shape, kernel.shape[1]!]);
