import type { Tensor, Tensor1D, Tensor4D, Tensor5D } from '@tensorflow/tfjs-core';
import {
  add,
  avgPool,
  batchNorm,
  concat,
  conv2d,
  conv3d,
  fused,
  maxPool,
  maxPool3d,
  mean,
  moments,
  mul,
  relu,
  reshape,
  sigmoid,
  softmax,
  tanh,
} from '../tensorflow/tfjs.js';
import { biasedConv2d } from '../kernels/fused-conv2d.js';

/** An operation whose gradient is put to the test, at tensors of these shapes. */
export interface Operation {
  /** As the failure names it. */
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly compute: (...inputs: Tensor[]) => Tensor;
  /** Added to the inputs: far below zero a max-pool sees negative values only, which upstream's gradient forgets. */
  readonly offset?: number;
  /** The step of the differences. Long where the operation is linear in each input, since then no step is too long. */
  readonly step: number;
}

const LINEAR = 0.5;
/** Shorter than half the distance of any two inputs, so that the largest stays the largest. */
const PIECEWISE_LINEAR = 5e-3;
const CURVED = 1e-2;

/** Small shapes whose sides differ, so that exchanged axes, wrong bounds and wrong padding show. */
export const OPERATIONS: readonly Operation[] = [
  {
    name: 'conv2d-stride-1',
    shapes: [
      [2, 5, 6, 3],
      [3, 3, 3, 4],
    ],
    compute: (x, w) => conv2d(x as Tensor4D, w as Tensor4D, 1, 'same'),
    step: LINEAR,
  },
  {
    name: 'conv2d-stride-2',
    shapes: [
      [2, 7, 6, 3],
      [3, 3, 3, 4],
    ],
    compute: (x, w) => conv2d(x as Tensor4D, w as Tensor4D, 2, 'same'),
    step: LINEAR,
  },
  {
    name: 'conv2d-valid',
    shapes: [
      [2, 6, 5, 2],
      [3, 2, 2, 3],
    ],
    compute: (x, w) => conv2d(x as Tensor4D, w as Tensor4D, 1, 'valid'),
    step: LINEAR,
  },
  {
    // Channels and filters that fill vectors, and the bias, as layers compute it.
    name: 'conv2d-bias',
    shapes: [[2, 4, 5, 4], [3, 3, 4, 12], [12]],
    compute: (x, filter, bias) => biasedConv2d(x, filter, bias, [1, 1], 'same'),
    step: LINEAR,
  },
  {
    name: 'conv3d-stride-1',
    shapes: [
      [1, 4, 5, 3, 2],
      [3, 3, 3, 2, 3],
    ],
    compute: (x, w) => conv3d(x as Tensor5D, w as Tensor5D, 1, 'same'),
    step: LINEAR,
  },
  {
    name: 'conv3d-stride-2',
    shapes: [
      [1, 6, 5, 6, 2],
      [3, 3, 3, 2, 3],
    ],
    compute: (x, w) => conv3d(x as Tensor5D, w as Tensor5D, 2, 'same'),
    step: LINEAR,
  },
  {
    name: 'dense',
    shapes: [[3, 7], [7, 5], [5]],
    compute: (a, b, bias) => fused.matMul({ a, b, bias }),
    step: LINEAR,
  },
  {
    name: 'max-pool2d-negative',
    shapes: [[2, 6, 7, 4]],
    compute: (x) => maxPool(x as Tensor4D, 2, 2, 'valid'),
    offset: -8,
    step: PIECEWISE_LINEAR,
  },
  {
    name: 'max-pool2d-overlapping',
    shapes: [[1, 7, 6, 3]],
    compute: (x) => maxPool(x as Tensor4D, 3, 2, 'same'),
    offset: -8,
    step: PIECEWISE_LINEAR,
  },
  {
    name: 'max-pool3d-negative',
    shapes: [[1, 4, 5, 4, 2]],
    compute: (x) => maxPool3d(x as Tensor5D, 2, 2, 'same'),
    offset: -8,
    step: PIECEWISE_LINEAR,
  },
  {
    name: 'average-pool2d',
    shapes: [[2, 7, 5, 3]],
    compute: (x) => avgPool(x as Tensor4D, 3, 2, 'same'),
    step: LINEAR,
  },
  {
    name: 'batch-norm',
    shapes: [[2, 3, 4, 3], [3], [3]],
    compute: (x, gamma, beta) => {
      const { mean: centre, variance } = moments(x, [0, 1, 2]);
      return batchNorm(
        x as Tensor4D,
        centre as Tensor1D,
        variance as Tensor1D,
        beta as Tensor1D,
        gamma as Tensor1D,
        1e-3,
      );
    },
    step: CURVED,
  },
  {
    name: 'global-average-pool',
    shapes: [[2, 3, 4, 3]],
    compute: (x) => mean(x, [1, 2]),
    step: LINEAR,
  },
  {
    name: 'activations',
    shapes: [[4, 6]],
    compute: (x) => concat([tanh(x), sigmoid(x), softmax(x), mul(x, relu(add(x, 9)))], 1),
    step: CURVED,
  },
  {
    name: 'flatten-add-concat',
    shapes: [
      [2, 3, 2, 2],
      [2, 12],
    ],
    compute: (x, y) => concat([add(reshape(x, [2, 12]), y), y], 1),
    step: LINEAR,
  },
];
