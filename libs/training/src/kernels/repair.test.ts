import { seededRandom } from '@consilium/stdx';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { EngineName } from '../engine.js';
import { activateBackend } from '../tensorflow/backend.js';
import { biasedConv2d } from './fused-conv2d.js';

/** A tensor of normal numbers, the same in every call. */
function normal<R extends tf.Rank>(shape: number[], label: number, offset = 0): tf.Tensor<R> {
  const random = seededRandom('test', label);
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => offset + random.normal()),
    shape,
  );
}

interface Case {
  readonly name: string;
  readonly inputs: () => tf.Tensor[];
  readonly compute: (...inputs: tf.Tensor[]) => tf.Tensor;
}

const conv2d = (
  name: string,
  x: number[],
  w: number[],
  stride: number | [number, number],
  pad: 'same' | 'valid',
): Case => ({
  name,
  inputs: () => [normal(x, 1), normal(w, 2)],
  compute: (image, filter) => tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, stride, pad),
});
const conv3d = (
  name: string,
  x: number[],
  w: number[],
  stride: number | [number, number, number],
  pad: 'same' | 'valid',
): Case => ({
  name,
  inputs: () => [normal(x, 1), normal(w, 2)],
  compute: (volume, filter) => tf.conv3d(volume as tf.Tensor5D, filter as tf.Tensor5D, stride, pad),
});

const depthwise = (
  name: string,
  x: number[],
  w: number[],
  stride: number | [number, number],
  pad: 'same' | 'valid',
): Case => ({
  name,
  inputs: () => [normal(x, 1), normal(w, 2)],
  compute: (image, filter) => tf.depthwiseConv2d(image as tf.Tensor4D, filter as tf.Tensor4D, stride, pad),
});

const CASES: Case[] = [
  conv2d('conv2d, same', [2, 9, 8, 3], [3, 3, 3, 4], 1, 'same'),
  conv2d('conv2d, valid', [2, 9, 8, 3], [3, 3, 3, 4], 1, 'valid'),
  conv2d('conv2d, one channel', [3, 8, 8, 1], [3, 3, 1, 5], 1, 'same'),
  conv2d('conv2d, 5 × 2 filter', [2, 9, 8, 2], [5, 2, 2, 4], 1, 'same'),
  conv2d('conv2d, 1 × 1', [2, 5, 6, 7], [1, 1, 7, 4], 1, 'same'),
  conv2d('conv2d, eight to sixteen channels', [3, 8, 8, 8], [3, 3, 8, 16], 1, 'same'),
  conv2d('conv2d, stride 2', [2, 9, 8, 3], [3, 3, 3, 4], 2, 'same'),
  conv2d('conv2d, stride 2, valid', [2, 10, 8, 3], [3, 3, 3, 4], 2, 'valid'),
  conv2d('conv2d, stride [3, 2]', [2, 11, 8, 3], [2, 3, 3, 4], [3, 2], 'same'),
  conv2d('conv2d, 1 × 1, stride 2', [2, 8, 8, 4], [1, 1, 4, 6], 2, 'same'),
  conv3d('conv3d, same', [2, 5, 6, 4, 2], [3, 3, 3, 2, 3], 1, 'same'),
  conv3d('conv3d, valid', [1, 6, 5, 6, 2], [3, 3, 3, 2, 3], 1, 'valid'),
  conv3d('conv3d, stride 2', [2, 6, 5, 6, 2], [3, 3, 3, 2, 3], 2, 'same'),
  conv3d('conv3d, stride [1, 2, 3]', [1, 5, 6, 7, 1], [2, 3, 2, 1, 4], [1, 2, 3], 'valid'),
  {
    name: 'fused conv2d with bias',
    inputs: () => [normal([2, 7, 6, 3], 1), normal([3, 3, 3, 4], 2), normal([4], 3)],
    compute: (x, filter, bias) => biasedConv2d(x!, filter!, bias!, [2, 2], 'same'),
  },
  {
    name: 'max-pool2d over negative values',
    inputs: () => [normal([2, 7, 7, 3], 1, -30)],
    compute: (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'same'),
  },
  {
    name: 'max-pool2d, overlapping, many ties',
    inputs: () => [tf.round(normal([2, 7, 7, 3], 1))],
    compute: (x) => tf.maxPool(x as tf.Tensor4D, 3, 1, 'same'),
  },
  {
    name: 'max-pool2d after ReLU',
    inputs: () => [tf.relu(normal([2, 8, 8, 5], 1))],
    compute: (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'),
  },
  {
    name: 'max-pool3d over negative values',
    inputs: () => [normal([2, 5, 4, 6, 3], 1, -30)],
    compute: (x) => tf.maxPool3d(x as tf.Tensor5D, 2, 2, 'same'),
  },
  {
    name: 'average-pool2d',
    inputs: () => [normal([2, 7, 8, 3], 1)],
    compute: (x) => tf.avgPool(x as tf.Tensor4D, 3, 2, 'same'),
  },
  {
    name: 'average-pool3d',
    inputs: () => [normal([2, 5, 4, 7, 3], 1)],
    compute: (x) => tf.avgPool3d(x as tf.Tensor5D, [3, 2, 3], 2, 'same'),
  },
  {
    name: 'max-pool3d whose window is not a cube',
    inputs: () => [normal([2, 5, 4, 6, 2], 1)],
    compute: (x) => tf.maxPool3d(x as tf.Tensor5D, [1, 3, 2], [1, 2, 2], 'same'),
  },
  depthwise('depthwise conv2d', [2, 6, 7, 3], [3, 3, 3, 1], 1, 'same'),
  depthwise('depthwise conv2d, stride 2', [2, 6, 7, 4], [3, 2, 4, 1], 2, 'same'),
  depthwise('depthwise conv2d, valid, three filters a channel', [2, 6, 7, 2], [3, 3, 2, 3], 1, 'valid'),
  depthwise('depthwise conv2d, stride [1, 2]', [1, 5, 8, 2], [2, 3, 2, 2], [1, 2], 'valid'),
  {
    name: 'transposed conv2d',
    inputs: () => [normal([2, 3, 4, 3], 1), normal([3, 3, 2, 3], 2)],
    compute: (x, filter) => tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, [2, 6, 8, 2], 2, 'same'),
  },
  {
    name: 'transposed conv3d',
    inputs: () => [normal([1, 3, 2, 4, 3], 1), normal([3, 2, 3, 2, 3], 2)],
    compute: (x, filter) =>
      tf.conv3dTranspose(x as tf.Tensor5D, filter as tf.Tensor5D, [1, 6, 4, 8, 2], [2, 2, 2], 'same'),
  },
  {
    name: 'gather, some rows twice and some never',
    inputs: () => [normal([6, 5], 1)],
    compute: (x) => tf.gather(x!, tf.tensor1d([4, 0, 4, 2, 4], 'int32')),
  },
  {
    name: 'matrix products with transposed factors',
    inputs: () => [normal([7, 3], 1), normal([5, 7], 2)],
    compute: (a, b) => tf.matMul(a!, b!, true, true),
  },
  {
    name: 'a batch of matrix products with a transposed factor',
    inputs: () => [normal([2, 3, 4], 1), normal([2, 5, 4], 2)],
    compute: (a, b) => tf.matMul(a!, b!, false, true),
  },
  {
    name: 'batch norm of its own batch',
    inputs: () => [normal([3, 4, 5, 6], 1), normal([6], 2), normal([6], 3)],
    compute: (x, gamma, beta) => {
      const { mean, variance } = tf.moments(x!, [0, 1, 2]);
      return tf.batchNorm(
        x as tf.Tensor4D,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        beta as tf.Tensor1D,
        gamma as tf.Tensor1D,
        1e-3,
      );
    },
  },
  { name: 'sum over leading axes', inputs: () => [normal([5, 6, 7], 1)], compute: (x) => tf.sum(x!, [0, 1]) },
  {
    name: 'mean over leading axes, kept',
    inputs: () => [normal([5, 6, 7], 1)],
    compute: (x) => tf.mean(x!, [0], true),
  },
  { name: 'sum over trailing axes', inputs: () => [normal([5, 6, 7], 1)], compute: (x) => tf.sum(x!, [1, 2]) },
  { name: 'sum over everything', inputs: () => [normal([5, 6], 1)], compute: (x) => tf.sum(x!) },
  { name: 'identity', inputs: () => [normal([3, 4], 1)], compute: (x) => tf.mul(tf.clone(x!), x!) },
];

/** The operation's values and its gradients along a fixed direction, on one backend. */
async function computed(backend: EngineName, { inputs, compute }: Case): Promise<Float32Array[]> {
  await activateBackend(backend);
  const before = tf.memory().numTensors;
  const results = tf.tidy(() => {
    const given = inputs();
    const value = compute(...given);
    const gradients = tf.grads(compute)(given, normal(value.shape, 99));
    return [value, ...gradients].map((result) => result.dataSync<'float32'>().slice());
  });
  expect(tf.memory().numTensors).toBe(before);
  return results;
}

describe('the repaired wasm backend agrees with the cpu backend, values and gradients:', () => {
  it.each(CASES)('$name', async (operation) => {
    const reference = await computed('cpu', operation);
    const came = await computed('wasm', operation);
    reference.forEach((expected, i) => {
      const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      const error = expected.reduce((max, value, j) => Math.max(max, Math.abs(value - came[i]![j]!)), 0);
      expect(came[i]).toHaveLength(expected.length);
      expect(error / largest).toBeLessThan(2e-6);
    });
  });
});

describe('identity without a copy', () => {
  it('keeps the values alive when the first of two references is disposed', async () => {
    await activateBackend('wasm');
    const first = tf.tensor([1, 2, 3]);
    const second = tf.clone(first);
    first.dispose();
    // Would take the place of freed memory.
    const other = tf.tensor([7, 8, 9]);
    expect([...second.dataSync()]).toEqual([1, 2, 3]);
    tf.dispose([second, other]);
  });
});
