import { graphSchema, inferShapes, manifestOf, type Graph } from '@consilium/model';
import { describe, expect, it } from 'vitest';
import { reluAfterPool } from './relu-after-pool.js';

const graph = (...layers: unknown[]): Graph => graphSchema.parse({ layers });
const image = { type: 'input', name: 'image', shape: [8, 8, 1] };
const conv = { type: 'conv2d', name: 'conv', filters: 4, kernel: [3, 3] };
const relu = { type: 'activation', name: 'relu', function: 'relu' };
const pool = { type: 'max-pool2d', name: 'pool', size: [2, 2] };
const tail = [
  { type: 'flatten', name: 'flat' },
  { type: 'dense', name: 'out', units: 1 },
];

const order = ({ layers }: Graph): string[] => layers.map(({ name }) => name);

describe('a ReLU before a max-pool', () => {
  const before = graph(image, conv, relu, pool, ...tail);
  const after = reluAfterPool(before);

  it('comes after it', () => {
    expect(order(after)).toEqual(['image', 'conv', 'pool', 'relu', 'flat', 'out']);
    expect(after.layers[2]).toMatchObject({ from: 'conv' });
    expect(after.layers[3]).toMatchObject({ from: 'pool' });
  });

  it('keeps the manifest and the output', () => {
    expect(manifestOf(after)).toEqual(manifestOf(before));
    expect(inferShapes(after).get('out')).toEqual([1]);
    expect(inferShapes(after).get('flat')).toEqual(inferShapes(before).get('flat'));
  });

  it('feeds what the pool fed by name', () => {
    const branches = graph(
      image,
      conv,
      relu,
      pool,
      { type: 'batch-norm', name: 'left' },
      { type: 'activation', name: 'right', from: 'pool', function: 'tanh' },
      { type: 'add', name: 'sum', from: ['left', 'right'] },
      { type: 'concat', name: 'both', from: ['sum', 'pool'] },
      ...tail,
    );
    const { layers } = reluAfterPool(branches);
    expect(layers.find(({ name }) => name === 'right')).toMatchObject({ from: 'relu' });
    expect(layers.find(({ name }) => name === 'both')).toMatchObject({ from: ['sum', 'relu'] });
    expect(inferShapes({ layers }).get('both')).toEqual([4, 4, 8]);
  });

  it('changes places in every block of a chain', () => {
    const second = [
      { ...conv, name: 'conv2' },
      { ...relu, name: 'relu2' },
      { ...pool, name: 'pool2' },
    ];
    expect(order(reluAfterPool(graph(image, conv, relu, pool, ...second, ...tail)))).toEqual([
      'image',
      'conv',
      'pool',
      'relu',
      'conv2',
      'pool2',
      'relu2',
      'flat',
      'out',
    ]);
  });
});

describe('nothing changes places', () => {
  it.each([
    [
      'when the ReLU feeds something else, too',
      graph(
        image,
        conv,
        relu,
        pool,
        { type: 'max-pool2d', name: 'other', from: 'relu', size: [2, 2] },
        { type: 'add', name: 'sum', from: ['pool', 'other'] },
        ...tail,
      ),
    ],
    [
      'when the activation is not monotone in this way',
      graph(image, conv, { ...relu, function: 'softmax' }, pool, ...tail),
    ],
    ['when the pool takes means', graph(image, conv, relu, { ...pool, type: 'average-pool2d' }, ...tail)],
    [
      'when the pool is fed by another layer',
      graph(
        image,
        conv,
        relu,
        { ...pool, from: 'conv' },
        { type: 'max-pool2d', name: 'other', from: 'relu', size: [2, 2] },
        { type: 'add', name: 'sum', from: ['pool', 'other'] },
        ...tail,
      ),
    ],
  ])('%s', (_, given) => {
    expect(reluAfterPool(given)).toEqual(given);
  });
});
