import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reach, slide, spread, type Padding } from './window.js';

describe('a window’s positions on an axis', () => {
  // [length, size, stride, same, valid]: worked out by hand from the formulas of tf.nn.convolution.
  it.each([
    [28, 3, 1, 28, 26],
    [28, 3, 2, 14, 13],
    [28, 2, 2, 14, 14],
    [7, 2, 2, 4, 3],
    [5, 5, 1, 5, 1],
    [5, 5, 3, 2, 1],
    [1, 1, 1, 1, 1],
    [10, 3, 4, 3, 2],
    [224, 7, 2, 112, 109],
    [2, 3, 1, 2, 0],
  ])('on %i values, %i wide by steps of %i, are %i for same and %i for valid', (length, size, stride, same, valid) => {
    expect(slide(length, size, stride, 'same')).toBe(same);
    expect(slide(length, size, stride, 'valid')).toBe(valid);
  });

  const axes = fc.record({
    length: fc.integer({ min: 1, max: 64 }),
    size: fc.integer({ min: 1, max: 31 }),
    stride: fc.integer({ min: 1, max: 31 }),
  });

  it('are those where it fits, counted one by one, for valid', () => {
    fc.assert(
      fc.property(axes, ({ length, size, stride }) => {
        let fitting = 0;
        for (let at = 0; at + size <= length; at += stride) fitting++;
        expect(Math.max(0, slide(length, size, stride, 'valid'))).toBe(fitting);
      }),
    );
  });

  it('are those that begin a step inside the axis, counted one by one, for same', () => {
    fc.assert(
      fc.property(axes, ({ length, size, stride }) => {
        let beginning = 0;
        for (let at = 0; at < length; at += stride) beginning++;
        expect(slide(length, size, stride, 'same')).toBe(beginning);
      }),
    );
  });
});

describe('a window that spreads', () => {
  const sizes = fc.integer({ min: 1, max: 9 });
  const paddings = fc.constantFrom<Padding>('same', 'valid');

  it('undoes what a window that slides does to the length of an axis', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), sizes, sizes, paddings, (length, size, stride, padding) => {
        expect(slide(spread(length, size, stride, padding), size, stride, padding)).toBe(length);
      }),
    );
  });

  it.each([
    [5, 3, 2, 'same', 10],
    [5, 3, 2, 'valid', 11],
    [5, 2, 2, 'valid', 10],
    [5, 1, 3, 'valid', 15],
    [5, 4, 1, 'valid', 8],
  ] as const)('over %d by %d in steps of %d, %s, takes %d', (length, size, stride, padding, expected) => {
    expect(spread(length, size, stride, padding)).toBe(expected);
  });
});

describe('a dilated window', () => {
  it.each([
    [1, 7, 1],
    [3, 1, 3],
    [3, 2, 5],
    [2, 5, 6],
  ])('of %d, %d apart, reaches %d', (size, dilation, expected) => {
    expect(reach(size, dilation)).toBe(expected);
  });
});
