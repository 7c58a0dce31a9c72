import { seededRandom } from '@consilium/stdx';
import { layoutManifest, tensorOf, zeros, type Weights } from '@consilium/weights';
import type { Graph } from './graph.js';
import { tensorsOf } from './parameters.js';

/**
 * A model's first weights. Kernels are drawn from a normal distribution with variance 2 / fan-in (He et al. 2015,
 * “Delving Deep into Rectifiers”, eq. 10; not truncated), where fan-in counts the inputs of one output; biases, beta
 * and moving means are 0, gamma and moving variances 1. Each tensor has its own stream of numbers, named by seed and
 * tensor, so a change to one layer leaves the others as they were. The same graph and seed give the same values.
 */
export function initialise(graph: Graph, seed: number): Weights {
  const tensors = tensorsOf(graph);
  const weights = zeros(layoutManifest(tensors));
  for (const { name, shape, initial } of tensors) {
    const values = tensorOf(weights, name);
    if (initial === 'ones') values.fill(1);
    if (initial === 'he-normal') fillHeNormal(values, shape, seededRandom('consilium/initialise', seed, name).normal);
  }
  return weights;
}

/** Every axis of a kernel but the last leads into one output. */
function fillHeNormal(values: Float32Array, shape: readonly number[], normal: () => number): void {
  const fanIn = shape.slice(0, -1).reduce((product, dimension) => product * dimension, 1);
  const stddev = Math.sqrt(2 / fanIn);
  for (let i = 0; i < values.length; i++) values[i] = stddev * normal();
}
