import type { Tensor } from '@tensorflow/tfjs-core';
import { add, mean, mul, reshape, rsqrt, square, sub } from '../tfjs.js';

/**
 * Layer normalisation (Ba et al. 2016): each position of each sample by the mean and the biased variance of its
 * channels; gamma and beta [channels].
 */
export const layerNorm = (x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor =>
  add(mul(standardised(x, [x.rank - 1], epsilon), gamma), beta);

/**
 * Group normalisation (Wu & He 2018): each sample by the mean and the biased variance of a group of neighbouring
 * channels over all positions; gamma and beta [channels]. Samples stay apart, which differential privacy needs.
 */
export function groupNorm(x: Tensor, gamma: Tensor, beta: Tensor, groups: number, epsilon: number): Tensor {
  const [batch, channels] = [x.shape[0]!, x.shape.at(-1)!];
  const grouped = reshape(x, [batch, -1, groups, channels / groups]);
  return add(mul(reshape(standardised(grouped, [1, 3], epsilon), x.shape), gamma), beta);
}

/** (x − mean) / √(variance + ε) over these axes. */
function standardised(x: Tensor, axes: number[], epsilon: number): Tensor {
  const centred = sub(x, mean(x, axes, true));
  return mul(centred, rsqrt(add(mean(square(centred), axes, true), epsilon)));
}
