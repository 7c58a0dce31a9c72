import type { Tensor } from '@tensorflow/tfjs-core';
import { matMul, mul, reshape, softmax, transpose } from '../tfjs.js';
import type { Weight } from '../graph-layer.js';
import { dense } from './dense.js';

/**
 * Multi-head self-attention (Vaswani et al. 2017) over [batch, tokens, channels]: softmax(q·kᵀ / √(channels / heads))·v
 * for each head, on its own stretch of the channels, then the output's linear map. Kernels [channels, channels], biases
 * [channels]; no mask.
 */
export function attention(x: Tensor, heads: number, weight: Weight): Tensor {
  const [batch, tokens, channels] = x.shape as [number, number, number];
  const width = channels / heads;
  const mapped = (role: string, input: Tensor): Tensor =>
    dense(input, weight(`${role}_kernel`), weight(`${role}_bias`));
  /** [batch · heads, tokens, width] */
  const split = (values: Tensor): Tensor =>
    reshape(transpose(reshape(values, [batch, tokens, heads, width]), [0, 2, 1, 3]), [batch * heads, tokens, width]);

  const [query, key, value] = ['query', 'key', 'value'].map((role) => split(mapped(role, x))) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const likeness = softmax(mul(matMul(query, key, false, true), 1 / Math.sqrt(width)));
  const seen = reshape(matMul(likeness, value), [batch, heads, tokens, width]);
  return mapped('output', reshape(transpose(seen, [0, 2, 1, 3]), [batch, tokens, channels]));
}
