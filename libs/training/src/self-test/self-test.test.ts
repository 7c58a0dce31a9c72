import type { Fault } from '@consilium/stdx';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';
import { OPERATIONS, type Operation } from './operations.js';
import { selfTest, TOLERANCE } from './self-test.js';

function failureOf(operations: readonly Operation[]): Fault {
  try {
    selfTest(operations);
  } catch (error) {
    return error as Fault;
  }
  throw new Error('the self-test passed');
}

describe('the self-test', () => {
  it.each(['cpu', 'wasm'] as const)('passes on the repaired %s backend, far inside its tolerance', async (backend) => {
    await activateBackend(backend);
    expect(selfTest().maxError).toBeLessThan(TOLERANCE / 10);
  });

  it('leaves no tensor behind', async () => {
    await activateBackend('wasm');
    const before = tf.memory().numTensors;
    selfTest();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('covers every kind of layer that computes', () => {
    const names = OPERATIONS.map(({ name }) => name).join(' ');
    for (const kind of [
      'conv2d',
      'conv3d',
      'dense',
      'batch-norm',
      'max-pool2d',
      'max-pool3d',
      'average-pool2d',
      'global-average-pool',
      'activations',
      'flatten',
      'add',
      'concat',
    ]) {
      expect(names).toContain(kind);
    }
  });

  it('names the operation, its error and the tolerance', async () => {
    await activateBackend('cpu');
    // A gradient that is half of the right one.
    const half = tf.customGrad((x) => ({
      value: tf.square(x as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => tf.mul(dy, x as tf.Tensor),
    }));
    const fault = failureOf([{ name: 'square', shapes: [[4]], compute: (x) => half(x!), step: 1e-2 }]);
    expect(fault.code).toBe('ENGINE_SELF_TEST_FAILED');
    expect(fault.facts).toMatchObject({ operation: 'square', tolerance: TOLERANCE });
    expect(fault.facts['error']).toBeGreaterThan(0.1);
  });

  it('refuses a gradient that is not a number', async () => {
    await activateBackend('cpu');
    const broken = tf.customGrad((x) => ({
      value: tf.square(x as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => tf.mul(dy, NaN),
    }));
    expect(failureOf([{ name: 'square', shapes: [[4]], compute: (x) => broken(x!), step: 1e-2 }]).facts['error']).toBe(
      Infinity,
    );
  });
});
