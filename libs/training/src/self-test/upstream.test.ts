import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '../tensorflow/tfjs.js';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { repairCpuKernels, repairGradients, repairWasmKernels } from '../kernels/repair.js';
import { gradient } from '../tensorflow/fit.js';
import { gradientError } from './gradient-error.js';
import type { Operation } from './operation.js';
import { OPERATIONS } from './operations.js';
import { selfTest, TOLERANCE } from './self-test.js';

/*
 * The positive control of the self-test, in a process whose backends nobody has repaired: what TensorFlow.js 4.22
 * computes by itself is caught. When one of these fails after an upgrade, upstream has mended something and our repair
 * may go.
 */
beforeAll(async () => {
  tf.enableProdMode();
  setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep);
});

const operation = (name: string): Operation => OPERATIONS.find((candidate) => candidate.name === name)!;

describe('upstream’s wasm backend', () => {
  beforeAll(async () => expect(await tf.setBackend('wasm')).toBe(true));

  it.each([
    ['conv3d-stride-1', 'a wrong gradient of the input'],
    ['max-pool2d-negative', 'no gradient'],
    ['max-pool2d-overlapping', 'no gradient'],
    ['max-pool3d-negative', 'neither maximum nor gradient'],
    ['global-max-pool2d', 'no gradient'],
    ['average-pool2d', 'too small a gradient at the border'],
    ['average-pool3d', 'too small a gradient at the border'],
  ])('is caught at %s: %s', async (name) => {
    expect(await gradientError(operation(name), gradient)).toBeGreaterThan(0.1);
    await expect(selfTest(gradient, [operation(name)])).rejects.toMatchObject({ code: 'ENGINE_SELF_TEST_FAILED' });
  });

  it.each([
    ['conv2d-stride-1', 'of the filter'],
    ['depthwise-conv2d-stride-1', 'of filter and input'],
    ['transposed-conv2d', 'of the filter'],
    ['transposed-conv3d', 'at all, on any backend'],
    ['embedding', 'of a gather'],
  ])('is caught at %s: no gradient %s', async (name) => {
    await expect(selfTest(gradient, [operation(name)])).rejects.toMatchObject({
      facts: { operation: name, kernelMissing: true },
    });
  });

  it('is refused as a whole', async () => {
    await expect(selfTest(gradient)).rejects.toMatchObject({ code: 'ENGINE_SELF_TEST_FAILED' });
  });
});

describe('upstream’s cpu backend', () => {
  beforeAll(async () => expect(await tf.setBackend('cpu')).toBe(true));

  it.each([
    ['max-pool3d-uneven', 'a gradient in the wrong place of a window that is not square'],
    ['average-pool2d', 'too small a gradient at the border'],
    ['average-pool3d', 'too small a gradient at the border'],
  ])('is caught at %s: %s', async (name) => {
    expect(await gradientError(operation(name), gradient)).toBeGreaterThan(0.1);
  });
});

describe('once they are repaired', () => {
  it.each([
    ['wasm', repairWasmKernels],
    ['cpu', repairCpuKernels],
  ])('%s passes', async (backend, repair) => {
    expect(await tf.setBackend(backend)).toBe(true);
    repairGradients();
    repair();
    expect((await selfTest(gradient)).maxError).toBeLessThan(TOLERANCE / 10);
  });
});
