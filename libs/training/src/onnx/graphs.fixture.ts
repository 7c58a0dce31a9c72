import { graphSchema, inputRow, initialise, outputShapeOf, sizeOf, type Graph } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import type { LossName } from '../fitting/loss/loss.js';
import type { GradientJob } from '../job.js';

const graphOf = (...layers: Record<string, unknown>[]): Graph => graphSchema.parse({ layers });
const relu = (name: string) => ({ type: 'activation', name, function: 'relu' });

/** The small network of many tutorials; channels that fill blocks of 8 and of 16. */
export const SMALL_CNN = graphOf(
  { type: 'input', name: 'image', shape: [12, 16, 1] },
  { type: 'conv2d', name: 'conv1', filters: 16, kernel: [3, 3] },
  relu('relu1'),
  { type: 'max-pool2d', name: 'pool1', size: [2, 2] },
  { type: 'conv2d', name: 'conv2', filters: 32, kernel: [3, 3] },
  relu('relu2'),
  { type: 'max-pool2d', name: 'pool2', size: [2, 2] },
  { type: 'flatten', name: 'flat' },
  { type: 'dense', name: 'hidden', units: 24 },
  relu('relu3'),
  { type: 'dense', name: 'logit', units: 1 },
);

export const MLP = graphOf(
  { type: 'input', name: 'row', shape: [11] },
  { type: 'dense', name: 'hidden1', units: 16 },
  relu('relu1'),
  { type: 'dense', name: 'hidden2', units: 8 },
  { type: 'activation', name: 'tanh', function: 'tanh' },
  { type: 'dense', name: 'logit', units: 1 },
);

/** Two residual blocks with batch norm, the second with a stride and a norm on its shortcut. */
export const RESIDUAL = graphOf(
  { type: 'input', name: 'image', shape: [9, 10, 3] },
  { type: 'conv2d', name: 'stem', filters: 16, kernel: [3, 3], bias: false },
  { type: 'batch-norm', name: 'stem_norm' },
  relu('stem_relu'),
  { type: 'conv2d', name: 'a1', filters: 16, kernel: [3, 3], bias: false },
  { type: 'batch-norm', name: 'a1_norm' },
  relu('a1_relu'),
  { type: 'conv2d', name: 'a2', filters: 16, kernel: [3, 3], bias: false },
  { type: 'batch-norm', name: 'a2_norm' },
  { type: 'add', name: 'a_sum', from: ['a2_norm', 'stem_relu'] },
  relu('a_relu'),
  { type: 'conv2d', name: 'b1', filters: 32, kernel: [3, 3], stride: [2, 2], bias: false },
  { type: 'batch-norm', name: 'b1_norm' },
  relu('b1_relu'),
  { type: 'conv2d', name: 'b2', filters: 32, kernel: [3, 3], bias: false },
  { type: 'batch-norm', name: 'b2_norm' },
  { type: 'conv2d', name: 'shortcut', from: 'a_relu', filters: 32, kernel: [1, 1], stride: [2, 2], bias: false },
  { type: 'batch-norm', name: 'shortcut_norm' },
  { type: 'add', name: 'b_sum', from: ['b2_norm', 'shortcut_norm'] },
  relu('b_relu'),
  { type: 'global-average-pool', name: 'means' },
  { type: 'dense', name: 'logit', units: 1 },
);

/** An image and a row of a table, joined late; a gate over channels; a mask for every pixel is not asked for. */
export const FUSION = graphOf(
  { type: 'input', name: 'image', shape: [8, 6, 2] },
  { type: 'conv2d', name: 'conv', filters: 16, kernel: [3, 3] },
  { type: 'group-norm', name: 'norm', groups: 4 },
  { type: 'activation', name: 'bend', function: 'silu' },
  { type: 'global-average-pool', name: 'squeeze' },
  { type: 'dense', name: 'excite', units: 16 },
  { type: 'activation', name: 'gate', function: 'sigmoid' },
  { type: 'multiply', name: 'gated', from: ['bend', 'gate'] },
  { type: 'global-average-pool', name: 'seen' },
  { type: 'input', name: 'table', shape: [5] },
  { type: 'dense', name: 'read', units: 7 },
  { type: 'concat', name: 'both', from: ['seen', 'read'] },
  { type: 'dense', name: 'logit', units: 1 },
);

/** Encoder, decoder and a skip of channels: a mask for every pixel. */
export const U_NET = graphOf(
  { type: 'input', name: 'image', shape: [8, 8, 1] },
  { type: 'conv2d', name: 'down', filters: 16, kernel: [3, 3] },
  { type: 'group-norm', name: 'down_norm', groups: 4 },
  relu('down_relu'),
  { type: 'max-pool2d', name: 'pool', size: [2, 2] },
  { type: 'conv2d', name: 'deep', filters: 32, kernel: [3, 3] },
  relu('deep_relu'),
  { type: 'transposed-conv2d', name: 'up', filters: 16, kernel: [2, 2], stride: [2, 2] },
  { type: 'concat', name: 'skip', from: ['up', 'down_relu'] },
  { type: 'conv2d', name: 'merge', filters: 16, kernel: [3, 3] },
  relu('merge_relu'),
  { type: 'conv2d', name: 'mask', filters: 1, kernel: [1, 1] },
);

/** A batch of random samples with targets that suit the loss. */
export function gradientJob(
  graph: Graph,
  loss: LossName,
  { count = 6, seed = 1 }: { readonly count?: number; readonly seed?: number } = {},
): GradientJob {
  const random = seededRandom('test batch', loss, count, seed);
  const output = outputShapeOf(graph);
  const outputs = sizeOf(output);
  const targets: Record<LossName, () => Float32Array | Uint8Array> = {
    'binary-cross-entropy': () => Uint8Array.from({ length: count * outputs }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    focal: () => Uint8Array.from({ length: count * outputs }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    dice: () => Uint8Array.from({ length: count * outputs }, () => random.integer(2)),
    'softmax-cross-entropy': () =>
      Uint8Array.from({ length: (count * outputs) / output.at(-1)! }, () => random.integer(output.at(-1)!)),
    'mean-squared-error': () => Float32Array.from({ length: count * outputs }, () => random.normal()),
    'cox-partial-likelihood': () =>
      Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 1 + random.integer(4) : random.integer(2))),
  };
  return {
    graph,
    weights: initialise(graph, seed),
    images: Float32Array.from({ length: count * inputRow(graph).size }, () => random.normal()),
    labels: targets[loss](),
    count,
    loss,
    classWeights: 'none',
  };
}
