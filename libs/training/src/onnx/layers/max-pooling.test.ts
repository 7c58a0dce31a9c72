import { graphSchema, type Graph } from '@consilium/model';
import { weightsOf } from '@consilium/weights';
import { initialise } from '@consilium/model';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../engine.js';
import { gradient } from '../gradient.js';
import { MACHINES, relativeError } from '../machines.fixture.js';

/** A convolution of one pixel that copies the image into 16 channels, and a pool of them. */
const pooled = (size: number[], stride: number[]): Graph =>
  graphSchema.parse({
    layers: [
      { type: 'input', name: 'image', shape: [4, 6, 1] },
      { type: 'conv2d', name: 'copy', filters: 16, kernel: [3, 3] },
      { type: 'max-pool2d', name: 'pool', size, stride },
    ],
  });

describe.each(MACHINES)('of equal values in the %s layout', (_, machine) => {
  it.each([
    ['tiles', [2, 2], [2, 2]],
    ['wide tiles', [2, 3], [2, 3]],
    ['overlapping windows', [3, 3], [1, 1]],
  ])('the first takes the gradient, and takes it once: %s', async (__, size, stride) => {
    const graph = pooled(size, stride);
    const job = {
      graph,
      weights: initialise(graph, 3),
      // A dark image with one bright pixel: nearly all values of a channel are equal.
      images: Float32Array.from({ length: 2 * 24 }, (___, i) => (i === 8 ? 1 : 0)),
      labels: Float32Array.from({ length: 2 * 16 * outputs(size, stride) }, (___, i) => (i % 5) - 2),
      count: 2,
      loss: 'mean-squared-error',
      classWeights: 'none',
    } as const;
    const cpu = await openEngine('cpu', graph);
    const [ours, theirs] = [await gradient(job, machine), await cpu.gradient(job)];
    cpu.close();
    expect(relativeError(ours.gradient, theirs.gradient)).toBeLessThan(1e-5);
  });

  it('the sum of the gradient of a flat image is that of its outputs', async () => {
    const graph = pooled([2, 2], [2, 2]);
    const { manifest } = initialise(graph, 1);
    const job = {
      graph,
      weights: weightsOf(manifest, new Float32Array(manifest.size)),
      images: new Float32Array(24),
      labels: new Float32Array(6 * 16).fill(-0.5),
      count: 1,
      loss: 'mean-squared-error',
      classWeights: 'none',
    } as const;
    const { gradient: values } = await gradient(job, machine);
    // Each of 96 outputs is 0.5 above its target; a bias moves six of them.
    const biases = values.subarray(9 * 16);
    biases.forEach((value) => expect(value).toBeCloseTo((6 * 2 * 0.5) / 96, 6));
  });
});

const outputs = ([height, width]: number[], [down, right]: number[]): number =>
  Math.ceil((4 - height! + 1) / down!) * Math.ceil((6 - width! + 1) / right!);
