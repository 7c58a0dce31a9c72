import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { graphOf, image, residual } from './graphs.fixture.js';
import { resolveInputs } from './inputs.js';

const flat = { type: 'flatten', name: 'flat' };
const out = { type: 'dense', name: 'out', units: 1 };

const refusal = (...layers: readonly Record<string, unknown>[]): unknown => {
  try {
    resolveInputs(graphOf(...layers));
  } catch (error) {
    return Fault.is(error, 'GRAPH_INVALID') ? error.facts : error;
  }
  return 'resolved';
};

describe('what feeds a layer', () => {
  it('is the layer before it', () => {
    expect([...resolveInputs(graphOf(image, flat, out))]).toEqual([
      ['image', []],
      ['flat', ['image']],
      ['out', ['flat']],
    ]);
  });

  it('is what its from names, in that order', () => {
    const inputs = resolveInputs(residual);
    expect(inputs.get('sum')).toEqual(['stem_relu', 'body2']);
    expect(inputs.get('body1')).toEqual(['stem_relu']);
    expect([...inputs.keys()]).toEqual(residual.layers.map(({ name }) => name));
  });

  it('may feed several', () => {
    const inputs = resolveInputs(
      graphOf(
        image,
        { type: 'flatten', name: 'left' },
        { type: 'flatten', name: 'right', from: 'image' },
        {
          type: 'concat',
          name: 'both',
          from: ['left', 'right'],
        },
      ),
    );
    expect(inputs.get('left')).toEqual(['image']);
    expect(inputs.get('right')).toEqual(['image']);
  });
});

describe('several inputs', () => {
  const table = { type: 'input', name: 'table', shape: [3] };

  it('may stand wherever they are needed, and feed the layer after them', () => {
    const inputs = resolveInputs(
      graphOf(image, flat, table, out, { type: 'concat', name: 'both', from: ['flat', 'out'] }),
    );
    expect(inputs.get('table')).toEqual([]);
    expect(inputs.get('out')).toEqual(['table']);
  });
});

describe('a graph is refused', () => {
  it('when a name stands twice', () => {
    expect(refusal(image, flat, { ...out, name: 'flat' })).toMatchObject({
      layer: 'flat',
      expected: 'a name of its own',
    });
    expect(refusal(image, { ...out, name: 'image' })).toMatchObject({ layer: 'image' });
  });

  it('when it does not begin with its input', () => {
    expect(refusal(flat, out)).toEqual({ layer: 'flat', expected: 'an input as the first layer', came: 'flatten' });
    expect(refusal(flat, image)).toMatchObject({ layer: 'flat' });
  });

  it('when a second input feeds nothing', () => {
    expect(refusal(image, { ...image, name: 'other' }, { ...flat, from: 'image' }, out)).toMatchObject({
      layer: 'other',
      expected: 'a later layer that it feeds',
    });
  });

  it('when an embedding is fed by what computes, whose values nobody could check', () => {
    const embedding = { type: 'embedding', name: 'words', vocabulary: 5, units: 2 };
    expect(refusal(image, flat, embedding)).toEqual({
      layer: 'words',
      expected: 'an input to read from',
      came: 'flat',
    });
    expect(refusal(image, embedding)).toBe('resolved');
  });

  it('when a layer is fed by a later one, by itself or by none', () => {
    const expected = 'from names of earlier layers';
    expect(refusal(image, { ...flat, from: 'out' }, out)).toEqual({ layer: 'flat', expected, came: 'out' });
    expect(refusal(image, { ...flat, from: 'flat' }, out)).toEqual({ layer: 'flat', expected, came: 'flat' });
    expect(refusal(image, flat, { ...out, from: 'elsewhere' })).toEqual({ layer: 'out', expected, came: 'elsewhere' });
    expect(refusal(image, flat, { type: 'add', name: 'sum', from: ['flat', 'later'] })).toMatchObject({
      layer: 'sum',
      came: 'later',
    });
  });

  it('when a layer feeds nothing and is not the last', () => {
    expect(refusal(image, flat, { ...out, name: 'lost' }, { ...out, from: 'flat' })).toMatchObject({
      layer: 'lost',
      expected: 'a later layer that it feeds',
    });
    expect(refusal(image, flat, out)).toBe('resolved');
  });
});
