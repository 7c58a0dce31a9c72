import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphOf, smallCnn } from './graphs.fixture.js';
import { firstUnlisted } from './vocabulary.js';

/** Two numbers and a code of five, in a row of three. */
const graph = graphOf(
  { type: 'input', name: 'numbers', shape: [2] },
  { type: 'input', name: 'code', shape: [1] },
  { type: 'embedding', name: 'meaning', vocabulary: 5, units: 4 },
  { type: 'flatten', name: 'flat' },
  { type: 'concat', name: 'both', from: ['numbers', 'flat'] },
);

describe('the first value that an embedding cannot look up', () => {
  it('is none where all are whole numbers below the vocabulary’s size, whatever other inputs hold', () => {
    const codes = fc.array(fc.tuple(fc.float(), fc.float(), fc.nat(4)), { maxLength: 20 });
    fc.assert(
      fc.property(codes, (rows) => {
        expect(firstUnlisted(graph, Float32Array.from(rows.flat()), rows.length)).toBeUndefined();
      }),
    );
  });

  it.each([-1, 5, 0.5, NaN, Infinity, 2 ** 31])('is found at %d, with the layer and the sample', (value) => {
    const rows = Float32Array.of(9.5, -7, 4, NaN, 0, value, 0, 0, 99);
    expect(firstUnlisted(graph, rows, 3)).toEqual({ layer: 'meaning', vocabulary: 5, sample: 1 });
  });

  it('is none for a graph without embeddings', () => {
    expect(firstUnlisted(smallCnn, new Float32Array(784).fill(0.5), 1)).toBeUndefined();
  });
});
