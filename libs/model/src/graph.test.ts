import { shapeProblems } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { graphSchema, LAYER_TYPES, layerSchema } from './graph.js';
import { graphOf, image } from './graphs.fixture.js';

const problem = (layer: Record<string, unknown>): string | undefined =>
  shapeProblems(graphSchema, { layers: [image, layer] })[0]?.path;

describe('a graph', () => {
  it('is filled in with defaults, so that a plan’s digest binds them', () => {
    const { layers } = graphOf(
      image,
      { type: 'conv2d', name: 'c', filters: 4, kernel: [3, 3] },
      { type: 'batch-norm', name: 'n' },
    );
    expect(layers[1]).toEqual({
      type: 'conv2d',
      name: 'c',
      filters: 4,
      kernel: [3, 3],
      stride: [1, 1],
      padding: 'same',
      dilation: [1, 1],
      groups: 1,
      bias: true,
    });
    expect(layers[2]).toEqual({ type: 'batch-norm', name: 'n', momentum: 0.9, epsilon: 0.001 });
  });

  it('pools without padding unless told', () => {
    const pool = layerSchema.parse({ type: 'max-pool2d', name: 'p', size: [2, 2] });
    expect(pool).toEqual({ type: 'max-pool2d', name: 'p', size: [2, 2], padding: 'valid' });
  });

  it('fills in what newer layers leave away', () => {
    const filled = (layer: Record<string, unknown>): unknown => layerSchema.parse({ ...layer, name: 'x' });
    expect(filled({ type: 'depthwise-conv2d', kernel: [3, 3] })).toMatchObject({ multiplier: 1, dilation: [1, 1] });
    expect(filled({ type: 'transposed-conv3d', filters: 2, kernel: [2, 2, 2] })).toMatchObject({
      stride: [1, 1, 1],
      padding: 'same',
      bias: true,
    });
    expect(filled({ type: 'attention' })).toMatchObject({ heads: 1 });
    expect(filled({ type: 'layer-norm' })).toMatchObject({ epsilon: 1e-3 });
    expect(filled({ type: 'upsample2d', size: [2, 2] })).toMatchObject({ method: 'nearest' });
  });

  it('is of a vocabulary that names each layer once', () => {
    expect(new Set(LAYER_TYPES).size).toBe(LAYER_TYPES.length);
    expect(LAYER_TYPES).toHaveLength(layerSchema.options.length);
  });

  it('has at least an input and an output, and at most 512 layers', () => {
    const dense = (i: number) => ({ type: 'dense', name: `d${i}`, units: 1 });
    expect(graphSchema.safeParse({ layers: [image] }).success).toBe(false);
    expect(graphSchema.safeParse({ layers: [image, ...Array.from({ length: 511 }, (_, i) => dense(i))] }).success).toBe(
      true,
    );
    expect(graphSchema.safeParse({ layers: [image, ...Array.from({ length: 512 }, (_, i) => dense(i))] }).success).toBe(
      false,
    );
  });

  it.each([
    ['a layer that is not in the vocabulary', { type: 'lambda', name: 'f', code: 'x => x' }, 'layers.1.type'],
    ['a field that its layer does not have', { type: 'dense', name: 'd', units: 1, activation: 'relu' }, 'layers.1'],
    ['a name in capitals', { type: 'flatten', name: 'Flat' }, 'layers.1.name'],
    ['a name with a slash, which would look like a tensor’s', { type: 'flatten', name: 'a/kernel' }, 'layers.1.name'],
    ['a name that objects have', { type: 'flatten', name: '__proto__' }, 'layers.1.name'],
    ['no units', { type: 'dense', name: 'd', units: 0 }, 'layers.1.units'],
    ['half a unit', { type: 'dense', name: 'd', units: 1.5 }, 'layers.1.units'],
    ['more units than a plan may ask for', { type: 'dense', name: 'd', units: 65_537 }, 'layers.1.units'],
    [
      'a window with three axes for an image',
      { type: 'conv2d', name: 'c', filters: 1, kernel: [3, 3, 3] },
      'layers.1.kernel',
    ],
    ['a window wider than 31', { type: 'conv2d', name: 'c', filters: 1, kernel: [32, 3] }, 'layers.1.kernel.0'],
    ['a stride of zero', { type: 'max-pool2d', name: 'p', size: [2, 2], stride: [0, 1] }, 'layers.1.stride.0'],
    [
      'a padding of another name',
      { type: 'conv2d', name: 'c', filters: 1, kernel: [3, 3], padding: 'full' },
      'layers.1.padding',
    ],
    ['to drop everything', { type: 'dropout', name: 'd', rate: 1 }, 'layers.1.rate'],
    ['an addition of one thing', { type: 'add', name: 's', from: ['image'] }, 'layers.1.from'],
    ['an unknown function', { type: 'activation', name: 'a', function: 'mish' }, 'layers.1.function'],
    ['a product of three things', { type: 'multiply', name: 'm', from: ['image', 'image', 'image'] }, 'layers.1.from'],
    [
      'to interpolate a volume',
      { type: 'upsample3d', name: 'u', size: [2, 2, 2], method: 'bilinear' },
      'layers.1.method',
    ],
    [
      'a dilation of zero',
      { type: 'conv2d', name: 'c', filters: 1, kernel: [3, 3], dilation: [0, 1] },
      'layers.1.dilation.0',
    ],
    [
      'a stride along two axes for a volume',
      { type: 'transposed-conv3d', name: 't', filters: 1, kernel: [2, 2, 2], stride: [2, 2] },
      'layers.1.stride',
    ],
    ['a shape of nothing', { type: 'reshape', name: 'r', shape: [0, 4] }, 'layers.1.shape.0'],
    ['a shape of five axes', { type: 'reshape', name: 'r', shape: [1, 2, 3, 4, 5] }, 'layers.1.shape'],
    ['an embedding of no words', { type: 'embedding', name: 'e', vocabulary: 0, units: 4 }, 'layers.1.vocabulary'],
    ['a group norm that does not say its groups', { type: 'group-norm', name: 'n' }, 'layers.1.groups'],
    ['an epsilon of zero', { type: 'batch-norm', name: 'n', epsilon: 0 }, 'layers.1.epsilon'],
  ])('refuses %s, and says where', (_, layer, path) => {
    expect(problem(layer)).toBe(path);
  });
});
