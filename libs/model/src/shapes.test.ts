import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { graphOf, image, residual, smallCnn, volume } from './graphs.fixture.js';
import { inferShapes, VALUES_MAX } from './shapes.js';

type Layers = readonly Record<string, unknown>[];

const last = (...layers: Layers): readonly number[] => [...inferShapes(graphOf(...layers)).values()].at(-1)!;

const refusal = (...layers: Layers): unknown => {
  try {
    inferShapes(graphOf(...layers));
  } catch (error) {
    return Fault.is(error, 'GRAPH_INVALID') ? error.facts : error;
  }
  return 'inferred';
};

const vector = { type: 'input', name: 'vector', shape: [64] };
const conv = { type: 'conv2d', name: 'conv', filters: 8, kernel: [3, 3] };

describe('the shapes of a graph', () => {
  it('are those of the small network, worked out by hand', () => {
    expect(Object.fromEntries(inferShapes(smallCnn))).toEqual({
      image: [28, 28, 1],
      conv1: [28, 28, 16],
      relu1: [28, 28, 16],
      pool1: [14, 14, 16],
      conv2: [14, 14, 32],
      relu2: [14, 14, 32],
      pool2: [7, 7, 32],
      flat: [1568],
      hidden: [64],
      relu3: [64],
      drop: [64],
      out: [2],
    });
  });

  it('go round a skip', () => {
    const shapes = inferShapes(residual);
    expect(shapes.get('sum')).toEqual([32, 32, 8]);
    expect(shapes.get('average')).toEqual([8]);
    expect(shapes.get('out')).toEqual([1]);
  });

  it('have three dimensions for a volume', () => {
    const shapes = inferShapes(volume);
    expect(shapes.get('conv')).toEqual([16, 16, 16, 4]);
    expect(shapes.get('pool')).toEqual([8, 8, 8, 4]);
    expect(shapes.get('average')).toEqual([4]);
  });

  it('come in the order of the layers', () => {
    expect([...inferShapes(residual).keys()]).toEqual(residual.layers.map(({ name }) => name));
  });
});

describe('each layer’s shape', () => {
  it.each<[string, Layers, readonly number[]]>([
    ['a convolution inside the image', [image, { ...conv, padding: 'valid' }], [26, 26, 8]],
    ['a convolution by steps', [image, { ...conv, stride: [2, 3] }], [14, 10, 8]],
    ['a convolution by steps inside the image', [image, { ...conv, stride: [2, 3], padding: 'valid' }], [13, 9, 8]],
    ['a convolution as wide as the image', [image, { ...conv, kernel: [28, 28], padding: 'valid' }], [1, 1, 8]],
    ['a padded convolution wider than the image', [image, { ...conv, kernel: [31, 31] }], [28, 28, 8]],
    ['a pool, whose step is its size', [image, { type: 'max-pool2d', name: 'p', size: [3, 3] }], [9, 9, 1]],
    ['a padded pool', [image, { type: 'average-pool2d', name: 'p', size: [3, 3], padding: 'same' }], [10, 10, 1]],
    ['overlapping pools', [image, { type: 'average-pool2d', name: 'p', size: [3, 3], stride: [2, 2] }], [13, 13, 1]],
    ['a mean over the image', [image, { type: 'global-average-pool', name: 'g' }], [1]],
    ['a flat image', [image, { type: 'flatten', name: 'f' }], [784]],
    ['batch norm', [image, { type: 'batch-norm', name: 'n' }], [28, 28, 1]],
    ['batch norm of features', [vector, { type: 'batch-norm', name: 'n' }], [64]],
    ['dropout', [image, { type: 'dropout', name: 'd', rate: 0.1 }], [28, 28, 1]],
    ['a softmax', [vector, { type: 'activation', name: 's', function: 'softmax' }], [64]],
    ['a sum with itself', [image, { type: 'add', name: 's', from: ['image', 'image'] }], [28, 28, 1]],
    [
      'channels side by side',
      [image, conv, { type: 'concat', name: 'c', from: ['image', 'conv', 'image'] }],
      [28, 28, 10],
    ],
  ])('is right for %s', (_, layers, expected) => {
    expect(last(...layers)).toEqual(expected);
  });
});

describe('a graph whose layers do not fit is refused with the layer and both shapes', () => {
  const flat = { type: 'flatten', name: 'flat' };
  it.each<[string, Layers, string, string, string]>([
    ['a convolution over features', [vector, conv], 'conv', '[height, width, channels]', '[64]'],
    [
      'an image’s convolution over a volume',
      [{ ...image, shape: [9, 9, 9, 1] }, conv],
      'conv',
      '[height, width, channels]',
      '[9, 9, 9, 1]',
    ],
    [
      'a volume’s convolution over an image',
      [image, { ...conv, type: 'conv3d', kernel: [3, 3, 3] }],
      'conv',
      '[depth, height, width, channels]',
      '[28, 28, 1]',
    ],
    [
      'a volume’s pool over an image',
      [image, { type: 'max-pool3d', name: 'p', size: [2, 2, 2] }],
      'p',
      '[depth, height, width, channels]',
      '[28, 28, 1]',
    ],
    [
      'a window larger than the image',
      [
        { ...image, shape: [2, 28, 1] },
        { ...conv, padding: 'valid' },
      ],
      'conv',
      'at least the window [3, 3]',
      '[2, 28, 1]',
    ],
    [
      'one pool too many',
      [image, { type: 'max-pool2d', name: 'p', size: [16, 16] }, { type: 'max-pool2d', name: 'q', size: [2, 2] }],
      'q',
      'at least the window [2, 2]',
      '[1, 1, 1]',
    ],
    ['features made flat', [vector, flat], 'flat', 'at least two axes', '[64]'],
    [
      'a mean over features',
      [vector, { type: 'global-average-pool', name: 'g' }],
      'g',
      '[height, width, channels] or with depth',
      '[64]',
    ],
    [
      'a sum of two shapes',
      [image, conv, { type: 'add', name: 's', from: ['image', 'conv'] }],
      's',
      '[28, 28, 1]',
      '[28, 28, 8]',
    ],
    [
      'a sum that broadcasting would hide',
      [
        { ...image, shape: [1, 1, 8] },
        conv,
        { type: 'global-average-pool', name: 'g' },
        { type: 'add', name: 's', from: ['conv', 'g'] },
      ],
      's',
      '[1, 1, 8]',
      '[8]',
    ],
    [
      'images of two sizes side by side',
      [image, { ...conv, stride: [2, 2] }, { type: 'concat', name: 'c', from: ['image', 'conv'] }],
      'c',
      '[28, 28, 1] but for the last axis',
      '[14, 14, 8]',
    ],
    [
      'more output than memory',
      [{ ...image, shape: [65_536, 65_536, 1] }, flat],
      'image',
      `at most ${VALUES_MAX} values of output`,
      '[65536, 65536, 1]',
    ],
    [
      'more output from a layer',
      [
        { ...image, shape: [1024, 1024, 1] },
        { ...conv, filters: 512 },
      ],
      'conv',
      `at most ${VALUES_MAX} values of output`,
      '[1024, 1024, 512]',
    ],
  ])('%s', (_, layers, layer, expected, came) => {
    expect(refusal(...layers)).toEqual({ layer, expected, came });
  });

  it('and in a sentence that a person can act on', () => {
    expect(() => inferShapes(graphOf(vector, conv))).toThrow(
      'The model’s layers do not fit together. (layer: conv, expected: [height, width, channels], came: [64])',
    );
  });
});
