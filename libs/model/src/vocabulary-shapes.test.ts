import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { graphOf, image } from './graphs.fixture.js';
import { inferShapes, outputShapeOf } from './shapes.js';

type Layers = readonly Record<string, unknown>[];

const refusal = (...layers: Layers): unknown => {
  try {
    inferShapes(graphOf(...layers));
  } catch (error) {
    return Fault.is(error, 'GRAPH_INVALID') ? error.facts : error;
  }
  return 'inferred';
};

const given = (...shape: number[]): Record<string, unknown> => ({ type: 'input', name: 'x', shape });
const conv = { type: 'conv2d', name: 'c', filters: 8, kernel: [3, 3] };
const depthwise = { type: 'depthwise-conv2d', name: 'c', kernel: [3, 3] };
const up = { type: 'transposed-conv2d', name: 'u', filters: 4, kernel: [3, 3], stride: [2, 2] };

describe('the shape of', () => {
  it.each<[string, Layers, readonly number[]]>([
    ['a dilated convolution', [image, { ...conv, dilation: [2, 3] }], [28, 28, 8]],
    ['one inside the image', [image, { ...conv, dilation: [2, 3], padding: 'valid' }], [24, 22, 8]],
    ['a grouped convolution', [given(6, 6, 4), { ...conv, groups: 2 }], [6, 6, 8]],
    ['a depthwise convolution', [given(9, 6, 4), { ...depthwise, stride: [2, 2], multiplier: 3 }], [5, 3, 12]],
    ['a transposed convolution', [given(5, 7, 2), up], [10, 14, 4]],
    ['one without padding', [given(5, 7, 2), { ...up, padding: 'valid' }], [11, 15, 4]],
    ['one that leaves gaps', [given(5, 7, 2), { ...up, stride: [4, 5], padding: 'valid' }], [20, 35, 4]],
    [
      'a transposed convolution in space',
      [given(2, 3, 4, 1), { ...up, type: 'transposed-conv3d', kernel: [2, 2, 2], stride: [2, 2, 1] }],
      [4, 6, 4, 4],
    ],
    ['a mean in space', [given(5, 4, 6, 3), { type: 'average-pool3d', name: 'p', size: [2, 2, 3] }], [2, 2, 2, 3]],
    ['the largest of an image', [given(5, 4, 3), { type: 'global-max-pool', name: 'g' }], [3]],
    ['an image made larger', [given(5, 4, 3), { type: 'upsample2d', name: 'u', size: [2, 3] }], [10, 12, 3]],
    ['a volume made larger', [given(5, 4, 2, 3), { type: 'upsample3d', name: 'u', size: [1, 2, 3] }], [5, 8, 6, 3]],
    ['a dense layer over tokens', [given(5, 4), { type: 'dense', name: 'd', units: 7 }], [5, 7]],
    ['an embedding', [given(5), { type: 'embedding', name: 'e', vocabulary: 9, units: 4 }], [5, 4]],
    ['attention', [given(5, 6), { type: 'attention', name: 'a', heads: 3 }], [5, 6]],
    ['values in another shape', [given(4, 6), { type: 'reshape', name: 'r', shape: [2, 3, 4] }], [2, 3, 4]],
    ['group norm', [given(4, 6), { type: 'group-norm', name: 'n', groups: 3 }], [4, 6]],
    ['layer norm', [given(4, 6), { type: 'layer-norm', name: 'n' }], [4, 6]],
    ['a product', [given(4, 6), { type: 'multiply', name: 'm', from: ['x', 'x'] }], [4, 6]],
    [
      'a product with a factor for each channel',
      [given(4, 5, 6), { type: 'global-average-pool', name: 'g' }, { type: 'multiply', name: 'm', from: ['x', 'g'] }],
      [4, 5, 6],
    ],
  ])('%s', (_, layers, expected) => {
    expect(outputShapeOf(graphOf(...layers))).toEqual(expected);
  });
});

describe('refused with the layer, what it needs and what came:', () => {
  it.each<[string, Layers, string, string, string]>([
    [
      'groups that do not share the channels',
      [given(6, 6, 3), { ...conv, groups: 2 }],
      'c',
      'channels that 2 divides',
      '[6, 6, 3]',
    ],
    [
      'groups that do not share the filters',
      [given(6, 6, 3), { ...conv, groups: 3 }],
      'c',
      'filters that 3 divides',
      '[8]',
    ],
    [
      'a stride with a dilation',
      [image, { ...conv, stride: [1, 2], dilation: [2, 1] }],
      'c',
      'a stride or a dilation, not both',
      'stride [1, 2], dilation [2, 1]',
    ],
    [
      'a dilated window larger than the image',
      [given(4, 9, 1), { ...conv, dilation: [2, 2], padding: 'valid' }],
      'c',
      'at least the window [5, 5]',
      '[4, 9, 1]',
    ],
    [
      'a depthwise convolution of a volume',
      [given(3, 4, 5, 1), depthwise],
      'c',
      '[height, width, channels]',
      '[3, 4, 5, 1]',
    ],
    [
      'an image made larger in space',
      [image, { type: 'upsample3d', name: 'u', size: [2, 2, 2] }],
      'u',
      '[depth, height, width, channels]',
      '[28, 28, 1]',
    ],
    [
      'heads that do not share the channels',
      [given(5, 6), { type: 'attention', name: 'a', heads: 4 }],
      'a',
      'channels that 4 divides',
      '[5, 6]',
    ],
    ['attention over an image', [image, { type: 'attention', name: 'a' }], 'a', '[tokens, channels]', '[28, 28, 1]'],
    [
      'groups of a norm',
      [given(5, 6), { type: 'group-norm', name: 'n', groups: 4 }],
      'n',
      'channels that 4 divides',
      '[5, 6]',
    ],
    [
      'more or fewer values',
      [given(5, 6), { type: 'reshape', name: 'r', shape: [4, 7] }],
      'r',
      'as many values as [4, 7] has',
      '[5, 6]',
    ],
    [
      'an embedding of images',
      [given(2, 3, 4), { type: 'embedding', name: 'e', vocabulary: 2, units: 2 }],
      'e',
      'at most two axes of whole numbers',
      '[2, 3, 4]',
    ],
    [
      'a factor for other channels',
      [
        given(4, 4, 3),
        { ...conv, name: 'd' },
        { type: 'global-max-pool', name: 'g' },
        { type: 'multiply', name: 'm', from: ['x', 'g'] },
      ],
      'm',
      '[4, 4, 3] or [3]',
      '[8]',
    ],
    ['a transposed convolution without channels', [given(5, 6), up], 'u', '[height, width, channels]', '[5, 6]'],
    [
      'a transposed convolution larger than memory',
      [given(8192, 8192, 1), { ...up, filters: 64 }],
      'u',
      'at most 268435456 values of output',
      '[16384, 16384, 64]',
    ],
  ])('%s', (_, layers, layer, expected, came) => {
    expect(refusal(...layers)).toEqual({ layer, expected, came });
  });
});
