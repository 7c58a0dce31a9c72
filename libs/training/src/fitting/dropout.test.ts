import { manifestOf } from '@consilium/model';
import { describe, expect, it } from 'vitest';
import { EVERY_2D_LAYER } from '../tensorflow/graphs.fixture.js';
import { dropoutStream, withoutDropout } from './dropout.js';

const draws = (stream: ReturnType<typeof dropoutStream>): number[] => [1, 2, 3].map(() => stream.uniform());

describe('the stream of dropout', () => {
  it('is that of its step, whatever was drawn before', () => {
    const [straight, jumped] = [dropoutStream([1]), dropoutStream([1])];
    straight.restart(1, 0);
    draws(straight);
    straight.restart(2, 0);
    jumped.restart(2, 0);
    expect(draws(jumped)).toEqual(draws(straight));
  });

  it('is another for another step, part of a batch or seed', () => {
    const first = ([seed, step, sample]: [number, number, number]): number => {
      const stream = dropoutStream([seed]);
      stream.restart(step, sample);
      return stream.uniform();
    };
    const streams: [number, number, number][] = [
      [1, 1, 0],
      [1, 2, 0],
      [1, 1, 8],
      [2, 1, 0],
    ];
    expect(new Set(streams.map(first)).size).toBe(4);
  });
});

describe('a graph without dropout', () => {
  it('has the same tensors and drops nothing', () => {
    const graph = withoutDropout(EVERY_2D_LAYER);
    expect(manifestOf(graph)).toEqual(manifestOf(EVERY_2D_LAYER));
    expect(graph.layers.filter(({ type }) => type === 'dropout')).toEqual([expect.objectContaining({ rate: 0 })]);
  });
});
