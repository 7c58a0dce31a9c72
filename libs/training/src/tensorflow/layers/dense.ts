import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { fused, matMul, reshape } from '../tfjs.js';

/** x · kernel + bias along the last axis, whatever axes come before it; kernel [in, out]. */
export function dense(x: Tensor, kernel: Tensor, bias: Tensor | undefined): Tensor {
  const [channels, units] = kernel.shape as [number, number];
  const rows = x.rank === 2 ? (x as Tensor2D) : (reshape(x, [-1, channels]) as Tensor2D);
  const product = bias ? fused.matMul({ a: rows, b: kernel as Tensor2D, bias }) : matMul(rows, kernel);
  return x.rank === 2 ? product : reshape(product, [...x.shape.slice(0, -1), units]);
}
