import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphOf } from './graphs.fixture.js';
import { rearranged, torchValues } from './torch-layout.js';

const layer = (fields: Record<string, unknown>) =>
  graphOf({ type: 'input', name: 'x', shape: [4] }, { ...fields, name: 't' }).layers[1]!;
const counted = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i);

describe('axes in another order', () => {
  it('are those of numpy.transpose', () => {
    // numpy.arange(24).reshape(2, 3, 4).transpose(2, 0, 1).ravel()
    expect([...rearranged(counted(24), [2, 3, 4], [2, 0, 1])]).toEqual([
      0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23,
    ]);
  });

  it('come back by the inverse order', () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(shapes, fc.array(fc.nat(), { minLength: 5, maxLength: 5 }), (shape, keys) => {
        const order = shape.map((_, axis) => axis).sort((a, b) => keys[a]! - keys[b]! || a - b);
        const inverse = order.map((_, axis) => order.indexOf(axis));
        const values = counted(shape.reduce((product, length) => product * length, 1));
        const moved = rearranged(values, shape, order);
        const back = rearranged(
          moved,
          order.map((axis) => shape[axis]!),
          inverse,
        );
        expect(back).toEqual(values);
      }),
    );
  });
});

describe('PyTorch’s values', () => {
  it('of a convolution go from [out, in, height, width] to [height, width, in, out]', () => {
    const conv = layer({ type: 'conv2d', filters: 2, kernel: [1, 2] });
    // out 2, in 3, 1 × 2: torch’s [o, i, 0, w] = 6·o + 2·i + w.
    const ours = torchValues(conv, [1, 2, 3, 2], [2, 3, 1, 2], counted(12))!;
    expect([...ours]).toEqual([0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
  });

  it('of a depthwise convolution keep the filters of a channel together', () => {
    const depthwise = layer({ type: 'depthwise-conv2d', kernel: [1, 2], multiplier: 2 });
    // torch’s [2·c + m, 0, 0, w] = 4·c + 2·m + w.
    expect([...torchValues(depthwise, [1, 2, 2, 2], [4, 1, 1, 2], counted(8))!]).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
  });

  it('of a dense layer are transposed, those of an embedding and of vectors are not', () => {
    expect([...torchValues(layer({ type: 'dense', units: 2 }), [3, 2], [2, 3], counted(6))!]).toEqual([
      0, 3, 1, 4, 2, 5,
    ]);
    const embedding = layer({ type: 'embedding', vocabulary: 2, units: 3 });
    expect([...torchValues(embedding, [2, 3], [2, 3], counted(6))!]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...torchValues(layer({ type: 'dense', units: 2 }), [2], [2], counted(2))!]).toEqual([0, 1]);
  });

  it.each([
    ['a kernel in our own order', { type: 'conv2d', filters: 2, kernel: [1, 2] }, [1, 2, 3, 2], [1, 2, 3, 2]],
    ['a kernel of fewer axes', { type: 'conv2d', filters: 2, kernel: [1, 2] }, [1, 2, 3, 2], [2, 6]],
    [
      'filters of all channels for a depthwise layer',
      { type: 'depthwise-conv2d', kernel: [1, 1] },
      [1, 1, 4, 1],
      [4, 4, 1, 1],
    ],
    ['other classes', { type: 'dense', units: 2 }, [3, 2], [4, 3]],
    ['a longer vector', { type: 'dense', units: 2 }, [2], [3]],
  ])('do not fit: %s', (_, fields, ours, theirs) => {
    const size = theirs.reduce((product, length) => product * length, 1);
    expect(torchValues(layer(fields), ours, theirs, counted(size))).toBeUndefined();
  });
});
