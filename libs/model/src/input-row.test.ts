import { describe, expect, it } from 'vitest';
import { graphOf, image, smallCnn } from './graphs.fixture.js';
import { inputRow } from './input-row.js';

describe('a sample as a row', () => {
  it('of one input is the image', () => {
    expect(inputRow(smallCnn)).toEqual({
      size: 784,
      parts: [{ name: 'image', shape: [28, 28, 1], offset: 0, size: 784 }],
    });
  });

  it('of several has them back to back, in the order of the graph', () => {
    const graph = graphOf(
      image,
      { type: 'flatten', name: 'flat' },
      { type: 'input', name: 'table', shape: [3] },
      { type: 'input', name: 'codes', shape: [2, 2] },
      { type: 'flatten', name: 'more' },
      { type: 'concat', name: 'all', from: ['flat', 'table', 'more'] },
    );
    expect(inputRow(graph)).toEqual({
      size: 791,
      parts: [
        { name: 'image', shape: [28, 28, 1], offset: 0, size: 784 },
        { name: 'table', shape: [3], offset: 784, size: 3 },
        { name: 'codes', shape: [2, 2], offset: 787, size: 4 },
      ],
    });
  });
});
