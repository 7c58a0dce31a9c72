import { graphSchema, type Graph } from '@consilium/model';
import { CURVED, LINEAR, operationOf, PIECEWISE_LINEAR, type Operation } from './operation.js';

/** Looks up some entries twice and one never, as a gather's gradient must add and leave alone. */
const EMBEDDING: Operation = {
  name: 'embedding',
  covers: ['embedding'],
  graph: graphSchema.parse({
    layers: [
      { type: 'input', name: 'codes', shape: [3] },
      { type: 'embedding', name: 'tested', vocabulary: 5, units: 4 },
    ],
  }),
  rows: Float32Array.of(4, 0, 4, 2, 0, 3),
  samples: 2,
  offset: 0,
  step: LINEAR,
};

/** Small shapes whose sides differ, so that exchanged axes, wrong bounds and wrong padding show. */
export const OPERATIONS: readonly Operation[] = [
  operationOf(
    'conv2d-stride-1',
    { type: 'conv2d', filters: 4, kernel: [3, 3], bias: false },
    { fed: [[5, 6, 3]], step: LINEAR },
  ),
  operationOf(
    'conv2d-stride-2',
    { type: 'conv2d', filters: 4, kernel: [3, 3], stride: [2, 2] },
    { fed: [[7, 6, 3]], step: LINEAR },
  ),
  operationOf(
    'conv2d-valid',
    { type: 'conv2d', filters: 3, kernel: [3, 2], padding: 'valid' },
    { fed: [[6, 5, 2]], step: LINEAR },
  ),
  // Channels and filters that fill vectors.
  operationOf('conv2d-wide', { type: 'conv2d', filters: 32, kernel: [3, 3] }, { fed: [[4, 5, 16]], step: LINEAR }),
  operationOf(
    'conv2d-dilated',
    { type: 'conv2d', filters: 3, kernel: [3, 2], dilation: [2, 3] },
    { fed: [[6, 7, 2]], step: LINEAR },
  ),
  operationOf(
    'conv2d-grouped',
    { type: 'conv2d', filters: 4, kernel: [3, 3], groups: 2 },
    { fed: [[5, 4, 6]], step: LINEAR },
  ),
  operationOf(
    'depthwise-conv2d-stride-1',
    { type: 'depthwise-conv2d', kernel: [3, 3], multiplier: 2 },
    { fed: [[5, 6, 3]], step: LINEAR },
  ),
  operationOf(
    'depthwise-conv2d-stride-2',
    { type: 'depthwise-conv2d', kernel: [3, 3], stride: [2, 2], bias: false },
    { fed: [[7, 6, 4]], step: LINEAR },
  ),
  operationOf(
    'depthwise-conv2d-dilated',
    { type: 'depthwise-conv2d', kernel: [2, 3], dilation: [2, 2] },
    { fed: [[6, 7, 2]], step: LINEAR },
  ),
  operationOf(
    'transposed-conv2d',
    { type: 'transposed-conv2d', filters: 3, kernel: [3, 2], stride: [2, 2] },
    { fed: [[3, 4, 2]], step: LINEAR },
  ),
  operationOf(
    'transposed-conv2d-valid',
    { type: 'transposed-conv2d', filters: 2, kernel: [3, 3], padding: 'valid' },
    { fed: [[4, 3, 3]], step: LINEAR },
  ),
  operationOf(
    'conv3d-stride-1',
    { type: 'conv3d', filters: 3, kernel: [3, 3, 3] },
    { fed: [[4, 5, 3, 2]], samples: 1, step: LINEAR },
  ),
  operationOf(
    'conv3d-stride-2',
    { type: 'conv3d', filters: 3, kernel: [3, 3, 3], stride: [2, 2, 2] },
    { fed: [[6, 5, 6, 2]], samples: 1, step: LINEAR },
  ),
  operationOf(
    'conv3d-dilated-grouped',
    { type: 'conv3d', filters: 4, kernel: [2, 3, 2], dilation: [2, 1, 2], groups: 2 },
    { fed: [[4, 5, 4, 2]], samples: 1, step: LINEAR },
  ),
  operationOf(
    'transposed-conv3d',
    { type: 'transposed-conv3d', filters: 2, kernel: [2, 3, 2], stride: [2, 2, 1] },
    { fed: [[2, 3, 4, 2]], samples: 1, step: LINEAR },
  ),
  operationOf('dense', { type: 'dense', units: 5 }, { fed: [[7]], samples: 3, step: LINEAR }),
  operationOf('dense-last-axis', { type: 'dense', units: 4 }, { fed: [[3, 5]], step: LINEAR }),
  EMBEDDING,
  operationOf('attention', { type: 'attention', heads: 2 }, { fed: [[5, 6]], step: CURVED }),
  operationOf('batch-norm', { type: 'batch-norm' }, { fed: [[3, 4, 3]], step: CURVED }),
  operationOf('group-norm', { type: 'group-norm', groups: 2 }, { fed: [[3, 4, 6]], step: CURVED }),
  operationOf('layer-norm', { type: 'layer-norm' }, { fed: [[3, 7]], step: CURVED }),
  operationOf(
    'max-pool2d-negative',
    { type: 'max-pool2d', size: [2, 2] },
    { fed: [[6, 7, 4]], offset: -8, step: PIECEWISE_LINEAR },
  ),
  operationOf(
    'max-pool2d-overlapping',
    { type: 'max-pool2d', size: [3, 3], stride: [2, 2], padding: 'same' },
    { fed: [[7, 6, 3]], samples: 1, offset: -8, step: PIECEWISE_LINEAR },
  ),
  operationOf(
    'max-pool3d-negative',
    { type: 'max-pool3d', size: [2, 2, 2], padding: 'same' },
    { fed: [[4, 5, 4, 2]], samples: 1, offset: -8, step: PIECEWISE_LINEAR },
  ),
  operationOf(
    'max-pool3d-uneven',
    { type: 'max-pool3d', size: [2, 3, 2], stride: [1, 2, 2] },
    { fed: [[3, 5, 4, 2]], samples: 1, offset: -8, step: PIECEWISE_LINEAR },
  ),
  operationOf(
    'average-pool2d',
    { type: 'average-pool2d', size: [3, 3], stride: [2, 2], padding: 'same' },
    { fed: [[7, 5, 3]], step: LINEAR },
  ),
  operationOf(
    'average-pool3d',
    { type: 'average-pool3d', size: [3, 2, 2], stride: [2, 2, 1], padding: 'same' },
    { fed: [[5, 4, 3, 2]], samples: 1, step: LINEAR },
  ),
  operationOf('global-average-pool2d', { type: 'global-average-pool' }, { fed: [[3, 4, 3]], step: LINEAR }),
  operationOf('global-average-pool3d', { type: 'global-average-pool' }, { fed: [[2, 3, 4, 3]], step: LINEAR }),
  operationOf(
    'global-max-pool2d',
    { type: 'global-max-pool' },
    { fed: [[3, 4, 3]], offset: -8, step: PIECEWISE_LINEAR },
  ),
  operationOf(
    'global-max-pool3d',
    { type: 'global-max-pool' },
    { fed: [[2, 3, 2, 3]], offset: -8, step: PIECEWISE_LINEAR },
  ),
  operationOf('upsample2d-nearest', { type: 'upsample2d', size: [2, 3] }, { fed: [[3, 4, 2]], step: LINEAR }),
  operationOf(
    'upsample2d-bilinear',
    { type: 'upsample2d', size: [2, 3], method: 'bilinear' },
    { fed: [[3, 4, 2]], step: LINEAR },
  ),
  operationOf('upsample3d-nearest', { type: 'upsample3d', size: [2, 1, 3] }, { fed: [[2, 3, 2, 2]], step: LINEAR }),
  ...(['relu', 'gelu', 'silu', 'sigmoid', 'tanh', 'softmax'] as const).map((name) =>
    operationOf(
      name,
      { type: 'activation', function: name },
      // Values 4 / 100 apart, none of which is nearer to ReLU's corner than the step.
      { fed: [[4, 6]], offset: 0.02, step: name === 'relu' ? PIECEWISE_LINEAR : CURVED },
    ),
  ),
  operationOf('flatten', { type: 'flatten' }, { fed: [[2, 3, 2]], alsoCovers: ['reshape'], step: LINEAR }),
  operationOf(
    'add',
    { type: 'add' },
    {
      fed: [
        [2, 3, 2],
        [2, 3, 2],
        [2, 3, 2],
      ],
      step: LINEAR,
    },
  ),
  operationOf(
    'multiply',
    { type: 'multiply' },
    {
      fed: [
        [3, 4],
        [3, 4],
      ],
      step: LINEAR,
    },
  ),
  operationOf('multiply-by-channel', { type: 'multiply' }, { fed: [[2, 3, 4], [4]], step: LINEAR }),
  operationOf(
    'concat',
    { type: 'concat' },
    {
      fed: [
        [2, 3, 2],
        [2, 3, 3],
      ],
      step: LINEAR,
    },
  ),
];

/** The operations that a graph's layers need. */
export function operationsOf(graph: Graph): readonly Operation[] {
  const used = new Set(graph.layers.map(({ type }) => type));
  return OPERATIONS.filter(({ covers }) => covers.some((type) => used.has(type)));
}
