import { seededRandom } from '@consilium/stdx';
import { layoutManifest, tensorOf, zeros, type Weights } from '@consilium/weights';
import type { Graph } from './graph.js';
import { tensorsOf } from './parameters.js';

/**
 * A model's first weights. Kernels, embeddings and attention are drawn from normal distributions as {@link LayerTensor}
 * says; biases, beta and moving means are 0, gamma and moving variances 1. Each tensor has its own stream of numbers,
 * named by seed and tensor, so a change to one layer leaves the others as they were. The same graph and seed give the
 * same values.
 */
export function initialise(graph: Graph, seed: number): Weights {
  const tensors = tensorsOf(graph);
  const weights = zeros(layoutManifest(tensors));
  for (const { name, initial } of tensors) {
    const values = tensorOf(weights, name);
    if (initial === 'ones') values.fill(1);
    if (typeof initial === 'object')
      fillNormal(values, initial.stddev, seededRandom('consilium/initialise', seed, name));
  }
  return weights;
}

function fillNormal(values: Float32Array, stddev: number, { normal }: { normal: () => number }): void {
  for (let i = 0; i < values.length; i++) values[i] = stddev * normal();
}
