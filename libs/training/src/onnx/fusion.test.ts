import { graphSchema, type Graph } from '@consilium/model';
import { describe, expect, it } from 'vitest';
import { fusionOf } from './fusion.js';

const graphOf = (...layers: Record<string, unknown>[]): Graph =>
  graphSchema.parse({ layers: [{ type: 'input', name: 'image', shape: [4, 4, 2] }, ...layers] });
const conv = (name: string, from?: string) => ({ type: 'conv2d', name, filters: 2, kernel: [3, 3], from });
const norm = (name: string, from?: string) => ({ type: 'batch-norm', name, from });
const relu = (name: string, from?: string) => ({ type: 'activation', name, function: 'relu', from });
const add = (name: string, ...from: string[]) => ({ type: 'add', name, from });

const shown = (graph: Graph): Record<string, string> =>
  Object.fromEntries(
    [...fusionOf(graph).ending].map(([last, { first, residual, relu: bent }]) => [
      last,
      [first.name, residual, bent ? 'relu' : undefined].filter(Boolean).join(' + '),
    ]),
  );

describe('layers are computed together:', () => {
  it('a convolution and its ReLU', () => {
    expect(shown(graphOf(conv('c'), relu('r')))).toEqual({ r: 'c + relu' });
  });

  it('a norm and its ReLU', () => {
    expect(shown(graphOf(conv('c'), norm('n'), relu('r')))).toEqual({ r: 'n + relu' });
  });

  it('a norm, what is added to it, and the ReLU of both', () => {
    const graph = graphOf(conv('c'), norm('n'), add('s', 'n', 'image'), relu('r'));
    expect(shown(graph)).toEqual({ r: 'n + image + relu' });
    expect(fusionOf(graph).within).toEqual(new Set(['n', 's']));
  });

  it('a norm and an addition without ReLU', () => {
    expect(shown(graphOf(conv('c'), norm('n'), add('s', 'image', 'n')))).toEqual({ s: 'n + image' });
  });

  it('where two norms are added, the first with the addition and the second by itself', () => {
    const graph = graphOf(conv('c'), norm('n'), conv('d', 'image'), norm('m'), add('s', 'n', 'm'), relu('r'));
    expect(shown(graph)).toEqual({ r: 'n + m + relu' });
    expect(fusionOf(graph).within).toEqual(new Set(['n', 's']));
  });
});

describe('layers stay apart:', () => {
  it('a convolution whose values somebody else wants', () => {
    expect(shown(graphOf(conv('c'), relu('r'), add('s', 'r', 'c')))).toEqual({});
  });

  it('a norm that is added to itself', () => {
    expect(shown(graphOf(norm('n'), add('s', 'n', 'n')))).toEqual({});
  });

  it('a norm in an addition of three', () => {
    expect(shown(graphOf(norm('n'), conv('c', 'image'), add('s', 'n', 'c', 'image')))).toEqual({});
  });

  it('another activation', () => {
    expect(shown(graphOf(conv('c'), { type: 'activation', name: 'a', function: 'tanh' }))).toEqual({});
  });
});
