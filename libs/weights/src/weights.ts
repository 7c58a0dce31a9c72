import { invariant } from '@consilium/stdx';
import { sameManifest, type Manifest } from './manifest.js';

/**
 * A model's parameters, or a difference of two: one contiguous float32 buffer and the manifest that says which stretch
 * is which tensor. Treated as a value: the functions below never change their arguments.
 */
export interface Weights {
  readonly manifest: Manifest;
  readonly values: Float32Array;
}

/** Joins a buffer to its manifest, without copying; the buffer must have exactly `manifest.size` values. */
export function weightsOf(manifest: Manifest, values: Float32Array): Weights {
  invariant(values.length === manifest.size, 'weights have as many values as their manifest');
  return { manifest, values };
}

export const zeros = (manifest: Manifest): Weights => weightsOf(manifest, new Float32Array(manifest.size));

/** a + b. Each sum is correctly rounded to float32 (exact or once-rounded in float64 first); it may overflow to ±Infinity. */
export function add(a: Weights, b: Weights): Weights {
  invariant(sameManifest(a.manifest, b.manifest), 'only weights of one manifest can be added');
  const [x, y] = [a.values, b.values];
  const sum = new Float32Array(x.length);
  for (let i = 0; i < sum.length; i++) sum[i] = x[i]! + y[i]!;
  return weightsOf(a.manifest, sum);
}

/** a − b, correctly rounded; what a site sends is `subtract(trained, received)`. */
export function subtract(a: Weights, b: Weights): Weights {
  invariant(sameManifest(a.manifest, b.manifest), 'only weights of one manifest can be subtracted');
  const [x, y] = [a.values, b.values];
  const difference = new Float32Array(x.length);
  for (let i = 0; i < difference.length; i++) difference[i] = x[i]! - y[i]!;
  return weightsOf(a.manifest, difference);
}

/** factor · a, in float64 and rounded to float32. The factor is finite. */
export function scale(a: Weights, factor: number): Weights {
  invariant(Number.isFinite(factor), 'weights are scaled by a finite factor');
  const x = a.values;
  const scaled = new Float32Array(x.length);
  for (let i = 0; i < scaled.length; i++) scaled[i] = x[i]! * factor;
  return weightsOf(a.manifest, scaled);
}

/**
 * The Euclidean norm over all tensors together, accumulated in float64 in buffer order: the squares of float32 values
 * cannot overflow there. NaN if a value is NaN, else Infinity if one is infinite; 0 for no values.
 */
export function l2Norm(a: Weights): number {
  const x = a.values;
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i]! * x[i]!;
  return Math.sqrt(squares);
}

/** The index of the first NaN or infinity, or −1 when all values are finite. */
export function firstNonFinite(values: Float32Array): number {
  // x − x is 0 for a finite x and NaN for every other, which is one test instead of two.
  for (let i = 0; i < values.length; i++) if (values[i]! - values[i]! !== 0) return i;
  return -1;
}

/** The values of one tensor, as a view into the buffer: row-major, `spec.size` long. */
export function tensorOf(weights: Weights, name: string): Float32Array {
  const spec = weights.manifest.tensors.find((tensor) => tensor.name === name);
  invariant(spec, 'a tensor is asked for by a name of its manifest');
  return weights.values.subarray(spec.offset, spec.offset + spec.size);
}
