import { graphSchema, inferShapes, initialise, type Graph } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import type { FitJob } from '../job.js';

/** Each kind of layer at least once, images. */
export const EVERY_2D_LAYER: Graph = graphSchema.parse({
  layers: [
    { type: 'input', name: 'image', shape: [12, 10, 2] },
    { type: 'conv2d', name: 'conv1', filters: 4, kernel: [3, 3] },
    { type: 'activation', name: 'relu1', function: 'relu' },
    { type: 'max-pool2d', name: 'pool1', size: [2, 2] },
    { type: 'conv2d', name: 'conv2', filters: 4, kernel: [3, 3], bias: false },
    { type: 'batch-norm', name: 'norm', momentum: 0.8 },
    { type: 'add', name: 'residual', from: ['norm', 'pool1'] },
    { type: 'activation', name: 'tanh', function: 'tanh' },
    { type: 'conv2d', name: 'strided', filters: 6, kernel: [3, 3], stride: [2, 2] },
    { type: 'average-pool2d', name: 'means', from: 'tanh', size: [3, 3], stride: [2, 2], padding: 'same' },
    { type: 'concat', name: 'both', from: ['strided', 'means'] },
    { type: 'activation', name: 'soft', function: 'softmax' },
    { type: 'global-average-pool', name: 'global' },
    { type: 'flatten', name: 'flat', from: 'both' },
    { type: 'concat', name: 'features', from: ['global', 'flat'] },
    { type: 'dense', name: 'hidden', units: 7 },
    { type: 'activation', name: 'sigmoid', function: 'sigmoid' },
    { type: 'dropout', name: 'drop', rate: 0.25 },
    { type: 'dense', name: 'logit', units: 1 },
  ],
});

/** The layers for volumes. */
export const EVERY_3D_LAYER: Graph = graphSchema.parse({
  layers: [
    { type: 'input', name: 'volume', shape: [6, 8, 7, 1] },
    { type: 'conv3d', name: 'conv1', filters: 3, kernel: [3, 3, 3] },
    { type: 'activation', name: 'relu1', function: 'relu' },
    { type: 'max-pool3d', name: 'pool', size: [2, 2, 2] },
    { type: 'conv3d', name: 'conv2', filters: 4, kernel: [3, 3, 3], stride: [1, 2, 2], bias: false },
    { type: 'batch-norm', name: 'norm' },
    { type: 'activation', name: 'relu2', function: 'relu' },
    { type: 'global-average-pool', name: 'global' },
    { type: 'dense', name: 'logit', units: 1 },
  ],
});

/** What the two above leave out: two inputs, and every other kind of layer. */
export const EVERY_OTHER_LAYER: Graph = graphSchema.parse({
  layers: [
    { type: 'input', name: 'image', shape: [8, 8, 2] },
    { type: 'conv2d', name: 'dilated', filters: 4, kernel: [3, 3], dilation: [2, 2], groups: 2 },
    { type: 'group-norm', name: 'group_norm', groups: 2 },
    { type: 'activation', name: 'silu', function: 'silu' },
    { type: 'depthwise-conv2d', name: 'depthwise', kernel: [3, 3], stride: [2, 2], multiplier: 2 },
    { type: 'transposed-conv2d', name: 'transposed', filters: 4, kernel: [2, 2], stride: [2, 2] },
    { type: 'average-pool2d', name: 'smaller', from: 'silu', size: [2, 2] },
    { type: 'upsample2d', name: 'larger', size: [2, 2], method: 'bilinear' },
    { type: 'multiply', name: 'product', from: ['transposed', 'larger'] },
    { type: 'global-max-pool', name: 'largest' },
    { type: 'multiply', name: 'scaled', from: ['product', 'largest'] },
    { type: 'reshape', name: 'tokens', shape: [16, 16] },
    { type: 'attention', name: 'attention', heads: 2 },
    { type: 'layer-norm', name: 'layer_norm' },
    { type: 'dense', name: 'mapped', units: 8 },
    { type: 'activation', name: 'gelu', function: 'gelu' },
    { type: 'flatten', name: 'flat' },
    { type: 'input', name: 'codes', shape: [3] },
    { type: 'embedding', name: 'words', vocabulary: 5, units: 4 },
    { type: 'flatten', name: 'flat_words' },
    { type: 'concat', name: 'all', from: ['flat', 'flat_words'] },
    { type: 'dense', name: 'cube', units: 8 },
    { type: 'reshape', name: 'volume', shape: [2, 2, 2, 1] },
    { type: 'transposed-conv3d', name: 'transposed3d', filters: 2, kernel: [2, 2, 2], stride: [2, 2, 2] },
    { type: 'average-pool3d', name: 'smaller3d', size: [2, 2, 2] },
    { type: 'upsample3d', name: 'larger3d', size: [1, 2, 2] },
    { type: 'global-average-pool', name: 'average' },
    { type: 'dense', name: 'logit', units: 1 },
  ],
});

/** One dense layer: logistic regression. */
export const LOGISTIC: Graph = graphSchema.parse({
  layers: [
    { type: 'input', name: 'features', shape: [3] },
    { type: 'dense', name: 'logit', units: 1 },
  ],
});

/** A job on random samples whose positives are brighter. */
export function jobOn(graph: Graph, changes: Partial<FitJob> = {}): FitJob {
  const shape = inferShapes(graph).get(graph.layers[0]!.name)!;
  const size = shape.reduce((product, length) => product * length, 1);
  const count = changes.count ?? 24;
  const random = seededRandom('test samples', count);
  const labels = Uint8Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 1 : 0));
  return {
    graph,
    weights: initialise(graph, 7),
    images: Float32Array.from({ length: count * size }, (_, i) => random.normal() + labels[Math.floor(i / size)]!),
    labels,
    count,
    optimizer: { type: 'sgd', momentum: 0.9 },
    learningRate: 0.01,
    batchSize: 8,
    steps: 4,
    weightDecay: 0,
    classWeights: 'none',
    augmentation: { flipHorizontal: false, flipVertical: false, shiftPixels: 0 },
    seed: [1, 'site-a', 1],
    ...changes,
  };
}
