import { graphSchema, type Graph } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import { OPERATIONS } from '../self-test/operations.js';
import { CURVED, PIECEWISE_LINEAR, type Operation } from '../self-test/operation.js';

/**
 * What only this engine computes: layers that are fused, and whole stretches in the blocked layout. They stand beside
 * the operations that every engine is asked about, and are asked whatever the graph is. Sixteen channels fill the
 * blocks of every processor; a name decides the values, and these leave none near the corner of a ReLU or a maximum.
 */
export const FUSED_OPERATIONS: readonly Operation[] = [
  stretch(
    'fused-residual-block',
    [3, 2, 16],
    [
      { type: 'conv2d', name: 'stem', filters: 16, kernel: [1, 1] },
      { type: 'conv2d', name: 'body', filters: 16, kernel: [3, 3], bias: false },
      { type: 'batch-norm', name: 'norm' },
      { type: 'add', name: 'sum', from: ['norm', 'stem'] },
      { type: 'activation', name: 'bend', function: 'relu' },
    ],
    PIECEWISE_LINEAR,
  ),
  stretch(
    'blocked-strides',
    [7, 6, 16],
    [
      { type: 'conv2d', name: 'stem', filters: 32, kernel: [3, 3], stride: [2, 2] },
      { type: 'conv2d', name: 'body', filters: 16, kernel: [1, 1], stride: [2, 1], padding: 'valid' },
      { type: 'global-average-pool', name: 'means' },
    ],
    CURVED,
  ),
  stretch(
    'blocked-max-pool',
    [4, 2, 3],
    [
      { type: 'conv2d', name: 'stem', filters: 16, kernel: [3, 3] },
      { type: 'max-pool2d', name: 'pool', size: [2, 2] },
      { type: 'group-norm', name: 'norm', groups: 4 },
    ],
    PIECEWISE_LINEAR,
  ),
];

/** All that is asked of this engine for a graph, or for every graph. */
export function operationsFor(graph: Graph | undefined): readonly Operation[] {
  const used = graph && new Set(graph.layers.map(({ type }) => type));
  return [...OPERATIONS.filter(({ covers }) => !used || covers.some((type) => used.has(type))), ...FUSED_OPERATIONS];
}

function stretch(
  name: string,
  shape: readonly number[],
  layers: readonly Readonly<Record<string, unknown>>[],
  step: number,
): Operation {
  const random = seededRandom('consilium/self-test', name);
  const graph = graphSchema.parse({ layers: [{ type: 'input', name: 'sample', shape }, ...layers] });
  const size = shape.reduce((product, length) => product * length, 1);
  const rows = Float32Array.from({ length: 2 * size }, () => random.between(-1, 1));
  return { name, covers: graph.layers.map(({ type }) => type), graph, rows, samples: 2, offset: 0, step };
}
