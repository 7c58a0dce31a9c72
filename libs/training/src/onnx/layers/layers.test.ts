import { graphSchema, initialise } from '@consilium/model';
import { weightsOf } from '@consilium/weights';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain } from '../machines.fixture.js';
import { predict } from '../predict.js';
import { interpolation } from './upsampling.js';

/** What one layer makes of one sample, its tensors being 1, 2, 3 … tenths in their order, or as given. */
async function outputsOf(
  layer: Record<string, unknown>,
  shape: number[],
  sample: number[],
  tensors?: number[],
): Promise<number[]> {
  const graph = graphSchema.parse({
    layers: [
      { type: 'input', name: 'x', shape },
      { name: 'y', ...layer },
    ],
  });
  const { manifest } = initialise(graph, 1);
  const values = tensors ?? Array.from({ length: manifest.size }, (_, i) => (i + 1) / 10);
  const weights = weightsOf(manifest, Float32Array.from(values));
  return [...(await predict(graph, weights, Float32Array.from(sample), 1, plain, 'none'))];
}

const expectClose = (came: number[], expected: number[]): void => {
  expect(came).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(came[i]).toBeCloseTo(value, 5));
};

describe('a layer computes', () => {
  // From the definitions, by Python's math module.
  it.each([
    ['relu', [0, 0, 2]],
    ['gelu', [-0.15865525, 0, 1.95449974]],
    ['silu', [-0.26894142, 0, 1.76159416]],
    ['sigmoid', [0.26894142, 0.5, 0.88079708]],
    ['tanh', [-0.76159416, 0, 0.96402758]],
    ['softmax', [0.0420101, 0.11419519, 0.8437947]],
  ])('%s', async (name, expected) => {
    expectClose(await outputsOf({ type: 'activation', function: name }, [3], [-1, 0, 2]), expected);
  });

  it('softmax of each pixel over its channels', async () => {
    const values = await outputsOf({ type: 'activation', function: 'softmax' }, [1, 2, 2], [0, 0, 1, 3]);
    expectClose(values, [0.5, 0.5, 0.11920292, 0.88079708]);
  });

  it('a dense layer', async () => {
    // Kernel [[.1, .2], [.3, .4]], bias [.5, .6].
    expectClose(await outputsOf({ type: 'dense', units: 2 }, [2], [1, 2]), [0.1 + 0.6 + 0.5, 0.2 + 0.8 + 0.6]);
  });

  it('a dense layer on the last axis of an image', async () => {
    const values = await outputsOf({ type: 'dense', units: 1, bias: false }, [1, 2, 2], [1, 2, 3, 4], [1, 10]);
    expectClose(values, [21, 43]);
  });

  it('a convolution, whose kernel is not turned', async () => {
    const kernel = [1, 2, 3, 4];
    const layer = { type: 'conv2d', filters: 1, kernel: [2, 2], padding: 'valid', bias: false };
    expectClose(await outputsOf(layer, [2, 2, 1], [1, 10, 100, 1000], kernel), [1 + 20 + 300 + 4000]);
  });

  it('a convolution with the odd zero at the end', async () => {
    const layer = { type: 'conv2d', filters: 1, kernel: [1, 2], bias: false };
    expectClose(await outputsOf(layer, [1, 3, 1], [1, 2, 3], [1, 10]), [21, 32, 3]);
  });

  it('a transposed convolution', async () => {
    const layer = { type: 'transposed-conv2d', filters: 1, kernel: [1, 2], stride: [1, 2], bias: false };
    expectClose(await outputsOf(layer, [1, 2, 1], [1, 2], [3, 4]), [3, 4, 6, 8]);
  });

  it('a depthwise convolution, each channel through its own filters', async () => {
    const layer = { type: 'depthwise-conv2d', kernel: [1, 1], multiplier: 2, bias: false };
    expectClose(await outputsOf(layer, [1, 1, 2], [1, 10], [1, 2, 3, 4]), [1, 2, 30, 40]);
  });

  it('means of windows that count no padding', async () => {
    const layer = { type: 'average-pool2d', size: [1, 2], stride: [1, 1], padding: 'same' };
    expectClose(await outputsOf(layer, [1, 3, 1], [2, 4, 8]), [3, 6, 8]);
  });

  it('maxima that padding does not win', async () => {
    const layer = { type: 'max-pool2d', size: [1, 2], stride: [1, 1], padding: 'same' };
    expectClose(await outputsOf(layer, [1, 3, 1], [-2, -4, -8]), [-2, -4, -8]);
  });

  it('the mean and the maximum of all pixels', async () => {
    expectClose(await outputsOf({ type: 'global-average-pool' }, [2, 1, 2], [1, -5, 3, -7]), [2, -6]);
    expectClose(await outputsOf({ type: 'global-max-pool' }, [2, 1, 2], [1, -5, 3, -7]), [3, -5]);
  });

  it('layer norm', async () => {
    // Mean 2, variance 2/3; gamma [.1, .2, .3], beta [.4, .5, .6].
    const d = Math.sqrt(2 / 3 + 1e-3);
    expectClose(await outputsOf({ type: 'layer-norm' }, [3], [1, 2, 3]), [0.4 - 0.1 / d, 0.5, 0.6 + 0.3 / d]);
  });

  it('group norm over the pixels and channels of each group', async () => {
    const layer = { type: 'group-norm', groups: 2 };
    const values = await outputsOf(layer, [1, 2, 2], [1, 10, 3, 30], [1, 1, 0, 0]);
    const [small, large] = [Math.sqrt(1 + 1e-3), Math.sqrt(100 + 1e-3)];
    expectClose(values, [-1 / small, -10 / large, 1 / small, 10 / large]);
  });

  it('batch norm by the moving statistics, outside of training', async () => {
    // gamma 2, beta 1, mean 3, variance 4.
    const values = await outputsOf({ type: 'batch-norm' }, [1, 2, 1], [3, 5], [2, 1, 3, 4]);
    expectClose(values, [1, 1 + 4 / Math.sqrt(4.001)]);
  });

  it('rows of a table', async () => {
    expectClose(await outputsOf({ type: 'embedding', vocabulary: 3, units: 2 }, [2], [2, 0]), [0.5, 0.6, 0.1, 0.2]);
  });

  it('repeated pixels', async () => {
    const values = await outputsOf({ type: 'upsample2d', size: [1, 2] }, [1, 2, 2], [1, 2, 3, 4]);
    expectClose(values, [1, 2, 1, 2, 3, 4, 3, 4]);
  });

  it('attention that looks at all tokens alike where keys are equal', async () => {
    const eye = [1, 0, 0, 1];
    const none = [0, 0, 0, 0];
    const tensors = [...none, 0, 0, ...none, 0, 0, ...eye, 0, 0, ...eye, 1, 0];
    const values = await outputsOf({ type: 'attention' }, [2, 2], [1, 2, 3, 6], tensors);
    expectClose(values, [3, 4, 3, 4]);
  });

  it('the same values in another shape', async () => {
    expectClose(await outputsOf({ type: 'reshape', shape: [2, 2, 1] }, [4], [1, 2, 3, 4]), [1, 2, 3, 4]);
    expectClose(await outputsOf({ type: 'flatten' }, [1, 2, 2], [1, 2, 3, 4]), [1, 2, 3, 4]);
  });
});

describe('linear interpolation', () => {
  it('has its places between the centres, and is held at the borders', () => {
    // 2 values to 4: at −¼, ¼, ¾ and 1¼.
    expect([...interpolation(2, 4)]).toEqual([1, 0, 0.75, 0.25, 0.25, 0.75, 0, 1]);
  });

  it('gives each place weights that are 1 together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 4 }), (from, factor) => {
        const matrix = interpolation(from, from * factor);
        for (let i = 0; i < from * factor; i++) {
          const row = matrix.subarray(i * from, (i + 1) * from);
          expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
          expect(row.every((weight) => weight >= 0)).toBe(true);
        }
      }),
    );
  });
});
