import type { Tensor } from '@tensorflow/tfjs-core';
import { matMul, mul, ones, reshape, tensor } from '../tfjs.js';

/**
 * An image or volume made larger by whole factors, one for each spatial axis.
 *
 * Upstream: layers repeat by Tile, whose gradient knows no volumes, and interpolate with corners aligned; the gradient
 * of ResizeBilinear takes no notice of half-pixel centres. Both are products here, whose gradients are right.
 */
export function upsampling(x: Tensor, factors: readonly number[], method: 'nearest' | 'bilinear'): Tensor {
  return factors.reduce((result, factor, i) => {
    if (factor === 1) return result;
    return method === 'nearest' ? repeated(result, i + 1, factor) : interpolated(result, i + 1, factor);
  }, x);
}

/** Each value `factor` times along an axis. */
function repeated(x: Tensor, axis: number, factor: number): Tensor {
  const rows = product(x.shape.slice(0, axis + 1));
  const shape = [...x.shape];
  shape[axis] = shape[axis]! * factor;
  return reshape(mul(reshape(x, [rows, 1, -1]), ones([1, factor, 1])), shape);
}

/** Linear between the centres of the values along an axis, and constant beyond the outermost. */
function interpolated(x: Tensor, axis: number, factor: number): Tensor {
  const length = x.shape[axis]!;
  const shape = [...x.shape];
  shape[axis] = length * factor;
  const batch = product(x.shape.slice(0, axis));
  const columns = product(x.shape.slice(axis + 1));
  const weights = tensor(interpolation(length, factor), [1, length * factor, length]);
  // One matrix for all: broadcast along the batch by hand, since not every backend's product does.
  const everywhere = mul(weights, ones([batch, 1, 1]));
  return reshape(matMul(everywhere, reshape(x, [batch, length, columns])), shape);
}

/**
 * A [length · factor, length] matrix: how much of each value goes into each new one. Output i lies at
 * (i + ½) / factor − ½, with half-pixel centres as in TensorFlow 2, PyTorch (`align_corners=False`) and ONNX
 * (`half_pixel`).
 */
export function interpolation(length: number, factor: number): Float32Array {
  const weights = new Float32Array(length * factor * length);
  for (let i = 0; i < length * factor; i++) {
    const place = Math.min(length - 1, Math.max(0, (i + 0.5) / factor - 0.5));
    const before = Math.floor(place);
    const after = Math.min(length - 1, before + 1);
    const share = place - before;
    weights[i * length + before]! += 1 - share;
    weights[i * length + after]! += share;
  }
  return weights;
}

const product = (shape: readonly number[]): number => shape.reduce((all, length) => all * length, 1);
