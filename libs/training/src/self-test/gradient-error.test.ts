import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';
import { gradientError } from './gradient-error.js';
import type { Operation } from './operations.js';

beforeAll(() => activateBackend('cpu'));

/** The cube, with a gradient of our choice; the right one is 3x². */
const cube = (gradient: (x: tf.Tensor) => tf.Tensor): Operation => {
  const compute = tf.customGrad((x) => ({
    value: tf.pow(x as tf.Tensor, 3),
    gradFunc: (dy: tf.Tensor) => tf.mul(dy, gradient(x as tf.Tensor)),
  }));
  return { name: 'cube', shapes: [[5, 8]], compute: (x) => compute(x!), step: 1e-2 };
};

describe('the error of a gradient', () => {
  it('is rounding for a right one', () => {
    expect(gradientError(cube((x) => tf.mul(3, tf.square(x))))).toBeLessThan(1e-3);
  });

  it('is one for one that is zero by mistake', () => {
    expect(gradientError(cube((x) => tf.zerosLike(x)))).toBeCloseTo(1, 5);
  });

  it('is about the share that is wrong', () => {
    const error = gradientError(cube((x) => tf.mul(3.3, tf.square(x))));
    expect(error).toBeGreaterThan(0.01);
    expect(error).toBeLessThan(0.5);
  });

  it('finds a single wrong entry among forty', () => {
    const oneWrong = tf.reshape(tf.oneHot(tf.tensor1d([39], 'int32'), 40), [5, 8]);
    expect(gradientError(cube((x) => tf.mul(tf.mul(3, tf.square(x)), tf.sub(1, oneWrong))))).toBeGreaterThan(0.05);
  });

  it.each([NaN, Infinity])('is infinite for %d', (value) => {
    expect(gradientError(cube((x) => tf.fill(x.shape, value)))).toBe(Infinity);
  });

  it('is the same each time', () => {
    const operation = cube((x) => tf.mul(3, tf.square(x)));
    expect(gradientError(operation)).toBe(gradientError(operation));
  });
});
