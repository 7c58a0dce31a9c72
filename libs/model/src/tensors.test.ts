import { describe, expect, it } from 'vitest';
import { graphOf } from './graphs.fixture.js';
import { tensorsOf } from './parameters.js';

const given = (...shape: number[]): Record<string, unknown> => ({ type: 'input', name: 'x', shape });

/** Name, shape and spread of the tensors of a layer that is called `t`. */
const tensors = (shape: number[], layer: Record<string, unknown>): unknown[] =>
  tensorsOf(graphOf(given(...shape), { ...layer, name: 't' })).map(({ name, shape: own, initial }) => [
    name,
    own,
    typeof initial === 'object' ? initial.stddev : initial,
  ]);

const he = (fanIn: number): number => Math.sqrt(2 / fanIn);

describe('the tensors of', () => {
  it('a grouped convolution have the channels of one group, which are its fan-in', () => {
    expect(tensors([8, 8, 6], { type: 'conv2d', filters: 4, kernel: [3, 5], groups: 2 })).toEqual([
      ['t/kernel', [3, 5, 3, 4], he(45)],
      ['t/bias', [4], 'zeros'],
    ]);
  });

  it('a depthwise convolution have a fan-in of the window alone', () => {
    expect(tensors([8, 8, 6], { type: 'depthwise-conv2d', kernel: [3, 3], multiplier: 2 })).toEqual([
      ['t/kernel', [3, 3, 6, 2], he(9)],
      ['t/bias', [12], 'zeros'],
    ]);
  });

  it('a transposed convolution have outputs before inputs, and as fan-in what reaches one output', () => {
    expect(tensors([8, 8, 6], { type: 'transposed-conv2d', filters: 4, kernel: [2, 2], stride: [2, 2] })).toEqual([
      ['t/kernel', [2, 2, 4, 6], he(6)],
      ['t/bias', [4], 'zeros'],
    ]);
    const volume = { type: 'transposed-conv3d', filters: 4, kernel: [3, 3, 3], stride: [1, 1, 3], bias: false };
    expect(tensors([8, 8, 8, 6], volume)).toEqual([['t/kernel', [3, 3, 3, 4, 6], he(9 * 6)]]);
    // A window shorter than its stride: one input reaches an output, or none.
    const gaps = { type: 'transposed-conv2d', filters: 4, kernel: [1, 1], stride: [2, 2], bias: false };
    expect(tensors([8, 8, 6], gaps)).toEqual([['t/kernel', [1, 1, 4, 6], he(6)]]);
  });

  it('a dense layer over tokens are those of one over features', () => {
    expect(tensors([7, 5], { type: 'dense', units: 3 })).toEqual([
      ['t/kernel', [5, 3], he(5)],
      ['t/bias', [3], 'zeros'],
    ]);
  });

  it('an embedding are one row for each word', () => {
    expect(tensors([7], { type: 'embedding', vocabulary: 11, units: 3 })).toEqual([['t/kernel', [11, 3], 0.05]]);
  });

  it('attention are four maps of the channels', () => {
    expect(tensors([7, 16], { type: 'attention', heads: 4 })).toEqual(
      ['query', 'key', 'value', 'output'].flatMap((role) => [
        [`t/${role}_kernel`, [16, 16], 0.25],
        [`t/${role}_bias`, [16], 'zeros'],
      ]),
    );
  });

  it.each([{ type: 'group-norm', groups: 2 }, { type: 'layer-norm' }])(
    'a norm without statistics are two: $type',
    (layer) => {
      expect(tensors([4, 4, 6], layer)).toEqual([
        ['t/gamma', [6], 'ones'],
        ['t/beta', [6], 'zeros'],
      ]);
    },
  );

  it.each([
    { type: 'reshape', shape: [32] },
    { type: 'upsample2d', size: [2, 2] },
    { type: 'average-pool2d', size: [2, 2] },
    { type: 'global-max-pool' },
    { type: 'activation', function: 'gelu' },
    { type: 'multiply', from: ['x', 'x'] },
  ])('what only computes are none: $type', (layer) => {
    expect(tensors([4, 4, 2], layer)).toEqual([]);
  });
});
