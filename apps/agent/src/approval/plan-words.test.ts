import { graphSchema } from '@consilium/model';
import { LEGAL_BASES, MODALITIES } from '@consilium/identity';
import { describe, expect, it } from 'vitest';
import { layersInWords, LEGAL_BASIS, MODALITY, readsPixels } from './plan-words.js';

const graph = (...layers: object[]) =>
  graphSchema.parse({ layers: [{ type: 'input', name: 'image', shape: [8, 8, 1] }, ...layers] });
const dense = (name: string, units: number, from?: string) => ({ type: 'dense', name, units, ...(from && { from }) });
const flatten = { type: 'flatten', name: 'flat' };

describe('a plan’s codes in words', () => {
  it('there are words for every legal basis and every modality', () => {
    expect(Object.keys(LEGAL_BASIS).sort()).toEqual([...LEGAL_BASES].sort());
    expect(Object.keys(MODALITY).sort()).toEqual([...MODALITIES].sort());
  });

  it('counts the layers of a kind, in the order in which the kinds come', () => {
    expect(
      layersInWords(graph(flatten, dense('a', 2), { type: 'activation', name: 'r', function: 'relu' }, dense('b', 1))),
    ).toBe('1 × flattening, 2 × dense layer, 1 × activation');
  });
});

describe('a layer that reads the pixels themselves', () => {
  const conv = { type: 'conv2d', name: 'conv', filters: 4, kernel: [3, 3] };
  const relu = { type: 'activation', name: 'relu', function: 'relu' };
  it.each<[string, object[], boolean]>([
    ['behind a flattening', [flatten, dense('wide', 65), dense('out', 1)], true],
    [
      'behind things that leave pixels pixels',
      [relu, { type: 'dropout', name: 'drop', rate: 0.1 }, flatten, dense('wide', 65), dense('out', 1)],
      true,
    ],
    [
      'beside a convolution',
      [
        conv,
        { ...flatten, from: 'image' },
        dense('wide', 65),
        { type: 'flatten', name: 'f2', from: 'conv' },
        { type: 'concat', name: 'both', from: ['wide', 'f2'] },
        dense('out', 1),
      ],
      true,
    ],
    ['with few units', [flatten, dense('narrow', 64), dense('out', 1)], false],
    ['behind a convolution', [conv, flatten, dense('wide', 65), dense('out', 1)], false],
    [
      'under the name of a convolution as large as the image',
      [{ ...conv, filters: 65, kernel: [8, 8], padding: 'valid' }, flatten, dense('out', 1)],
      true,
    ],
    [
      'under the name of a convolution over a rearranged image',
      [
        { type: 'reshape', name: 'row', shape: [1, 1, 64] },
        { ...conv, filters: 65, kernel: [1, 1] },
        flatten,
        dense('out', 1),
      ],
      true,
    ],
    [
      'under the name of attention over a rearranged image',
      [
        { type: 'upsample2d', name: 'larger', size: [2, 2] },
        { type: 'reshape', name: 'tokens', shape: [2, 128] },
        { type: 'attention', name: 'attention' },
        flatten,
        dense('out', 1),
      ],
      true,
    ],
    [
      'not in attention behind a convolution',
      [
        { ...conv, filters: 128 },
        { type: 'reshape', name: 'tokens', shape: [64, 128] },
        { type: 'attention', name: 'attention' },
        flatten,
        dense('out', 1),
      ],
      false,
    ],
    ['behind another dense layer', [flatten, dense('narrow', 8), dense('wide', 65), dense('out', 1)], false],
  ])('is found %s', (_where, layers, expected) => {
    expect(readsPixels(graph(...layers))).toBe(expected);
  });
});
