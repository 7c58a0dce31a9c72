import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { setWasmPaths } from '../tensorflow/tfjs.js';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { repairGradients, repairWasmKernels } from '../kernels/repair.js';
import { gradientError } from './gradient-error.js';
import { OPERATIONS, type Operation } from './operations.js';
import { selfTest, TOLERANCE } from './self-test.js';

/*
 * The positive control of the self-test, in a process whose `wasm` backend nobody has repaired: what TensorFlow.js 4.22
 * computes by itself is caught. When one of these fails after an upgrade, upstream has mended something and our repair
 * may go.
 */
beforeAll(async () => {
  tf.enableProdMode();
  setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  expect(await tf.setBackend('wasm')).toBe(true);
});

const operation = (name: string): Operation => OPERATIONS.find((candidate) => candidate.name === name)!;

describe('upstream’s wasm backend', () => {
  it.each([
    ['conv3d-stride-1', 'a wrong gradient of the input'],
    ['conv3d-stride-2', 'a wrong gradient of the filter'],
    ['max-pool2d-negative', 'no gradient'],
    ['max-pool2d-overlapping', 'no gradient'],
    ['max-pool3d-negative', 'neither maximum nor gradient'],
    ['average-pool2d', 'too small a gradient at the border'],
  ])('is caught at %s: %s', (name) => {
    expect(gradientError(operation(name))).toBeGreaterThan(0.1);
    expect(() => selfTest([operation(name)])).toThrow(expect.objectContaining({ code: 'ENGINE_SELF_TEST_FAILED' }));
  });

  it('is caught at conv2d: no kernel for the gradient of the filter', () => {
    expect(() => selfTest([operation('conv2d-stride-1')])).toThrow(
      expect.objectContaining({ facts: { operation: 'conv2d-stride-1', kernelMissing: true } }),
    );
  });

  it('is refused as a whole', () => {
    expect(() => selfTest()).toThrow(expect.objectContaining({ code: 'ENGINE_SELF_TEST_FAILED' }));
  });

  it('passes once it is repaired', () => {
    repairGradients();
    repairWasmKernels();
    expect(selfTest().maxError).toBeLessThan(TOLERANCE / 10);
  });
});
