import type { Tensor } from '@tensorflow/tfjs-core';
import { add, erf, mul, relu, sigmoid, softmax, tanh } from '../tfjs.js';
import type { Layer } from '@consilium/model';

type Function = (Layer & { type: 'activation' })['function'];

/** The functions that work on each value by itself, and softmax along the last axis. */
export const ACTIVATIONS: Readonly<Record<Function, (x: Tensor) => Tensor>> = {
  relu,
  sigmoid,
  tanh,
  softmax: (x) => softmax(x),
  /** x · σ(x) (Elfwing et al. 2018), also called swish. */
  silu: (x) => mul(x, sigmoid(x)),
  /** x · Φ(x) with the normal distribution function itself and not its tanh approximation (Hendrycks & Gimpel 2016). */
  gelu: (x) => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
};
