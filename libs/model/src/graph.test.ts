import { shapeProblems } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { graphSchema, layerSchema } from './graph.js';
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
      bias: true,
    });
    expect(layers[2]).toEqual({ type: 'batch-norm', name: 'n', momentum: 0.9, epsilon: 0.001 });
  });

  it('pools without padding unless told', () => {
    const pool = layerSchema.parse({ type: 'max-pool2d', name: 'p', size: [2, 2] });
    expect(pool).toEqual({ type: 'max-pool2d', name: 'p', size: [2, 2], padding: 'valid' });
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
    ['an unknown function', { type: 'activation', name: 'a', function: 'gelu' }, 'layers.1.function'],
    ['an epsilon of zero', { type: 'batch-norm', name: 'n', epsilon: 0 }, 'layers.1.epsilon'],
  ])('refuses %s, and says where', (_, layer, path) => {
    expect(problem(layer)).toBe(path);
  });
});
