import { graphSchema, type Graph } from './graph.js';

/** A graph as a person writes it, with defaults filled in. */
export const graphOf = (...layers: readonly Record<string, unknown>[]): Graph => graphSchema.parse({ layers });

export const image = { type: 'input', name: 'image', shape: [28, 28, 1] };

/** The small network of many tutorials, for two classes. */
export const smallCnn = graphOf(
  image,
  { type: 'conv2d', name: 'conv1', filters: 16, kernel: [3, 3] },
  { type: 'activation', name: 'relu1', function: 'relu' },
  { type: 'max-pool2d', name: 'pool1', size: [2, 2] },
  { type: 'conv2d', name: 'conv2', filters: 32, kernel: [3, 3] },
  { type: 'activation', name: 'relu2', function: 'relu' },
  { type: 'max-pool2d', name: 'pool2', size: [2, 2] },
  { type: 'flatten', name: 'flat' },
  { type: 'dense', name: 'hidden', units: 64 },
  { type: 'activation', name: 'relu3', function: 'relu' },
  { type: 'dropout', name: 'drop', rate: 0.5 },
  { type: 'dense', name: 'out', units: 2 },
);

/** A residual block with batch norm, the skip going round two convolutions, and a head by global average. */
export const residual = graphOf(
  { type: 'input', name: 'image', shape: [32, 32, 3] },
  { type: 'conv2d', name: 'stem', filters: 8, kernel: [3, 3], bias: false },
  { type: 'batch-norm', name: 'stem_norm' },
  { type: 'activation', name: 'stem_relu', function: 'relu' },
  { type: 'conv2d', name: 'body1', filters: 8, kernel: [3, 3], bias: false },
  { type: 'batch-norm', name: 'norm1' },
  { type: 'conv2d', name: 'body2', filters: 8, kernel: [3, 3] },
  { type: 'add', name: 'sum', from: ['stem_relu', 'body2'] },
  { type: 'global-average-pool', name: 'average' },
  { type: 'dense', name: 'out', units: 1 },
);

/** A volume: three dimensions and channels. */
export const volume = graphOf(
  { type: 'input', name: 'scan', shape: [16, 32, 32, 1] },
  { type: 'conv3d', name: 'conv', filters: 4, kernel: [3, 3, 3], stride: [1, 2, 2] },
  { type: 'max-pool3d', name: 'pool', size: [2, 2, 2] },
  { type: 'global-average-pool', name: 'average' },
  { type: 'dense', name: 'out', units: 1 },
);
