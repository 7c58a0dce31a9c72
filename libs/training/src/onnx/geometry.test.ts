import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { geometryOf, placesOf, poolWindow, remainder } from './geometry.js';

/** One axis of TensorFlow's arithmetic. */
const axis = fc
  .record({
    large: fc.integer({ min: 1, max: 20 }),
    size: fc.integer({ min: 1, max: 6 }),
    stride: fc.integer({ min: 1, max: 5 }),
    dilation: fc.integer({ min: 1, max: 3 }),
    padding: fc.constantFrom('same' as const, 'valid' as const),
  })
  .map((spec) => {
    const reach = (spec.size - 1) * spec.dilation + 1;
    return {
      ...spec,
      reach,
      small: Math.ceil((spec.padding === 'same' ? spec.large : spec.large - reach + 1) / spec.stride),
    };
  })
  .filter(({ small }) => small >= 1);

const along = ({
  large,
  small,
  size,
  stride,
  dilation,
  padding,
}: {
  large: number;
  small: number;
  size: number;
  stride: number;
  dilation: number;
  padding: 'same' | 'valid';
}) => geometryOf({ window: [size], stride: [stride], dilation: [dilation], padding }, [large], [small]);

describe('padding', () => {
  // [large, size, stride, before, after]: worked out by hand from the formulas of tf.nn.convolution.
  it.each([
    [28, 3, 1, 1, 1],
    [28, 3, 2, 0, 1],
    [7, 3, 2, 1, 1],
    [7, 2, 2, 0, 1],
    [5, 4, 1, 1, 2],
    [224, 7, 2, 2, 3],
    [4, 1, 2, 0, 0],
  ])('on %i values, %i wide by steps of %i, is %i before and %i after', (large, size, stride, before, after) => {
    const spec = { window: [size], stride: [stride], padding: 'same' } as const;
    expect(geometryOf(spec, [large], [Math.ceil(large / stride)])).toMatchObject({ before: [before], after: [after] });
  });

  it('is none for valid', () => {
    fc.assert(
      fc.property(axis, (spec) => {
        fc.pre(spec.padding === 'valid');
        expect(along(spec)).toMatchObject({ before: [0], after: [0] });
      }),
    );
  });

  it('lets every window lie within, and leaves over less than a step', () => {
    fc.assert(
      fc.property(axis, (spec) => {
        const [left] = remainder(along(spec));
        expect(left).toBeGreaterThanOrEqual(0);
        expect(left).toBeLessThan(spec.stride);
      }),
    );
  });

  it('is even, or has the odd one at the end', () => {
    fc.assert(
      fc.property(axis, (spec) => {
        const { before, after } = along(spec);
        expect([0, 1]).toContain(after[0]! - before[0]!);
      }),
    );
  });
});

describe('a pool', () => {
  it('steps by its size unless told', () => {
    expect(poolWindow({ size: [2, 3], padding: 'valid' }).stride).toEqual([2, 3]);
    expect(poolWindow({ size: [2, 3], stride: [1, 1], padding: 'valid' }).stride).toEqual([1, 1]);
  });
});

describe('the places of a window', () => {
  it('come in the order of a kernel’s memory', () => {
    expect(placesOf([2, 3])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
    ]);
    expect(placesOf([2, 1, 2])).toHaveLength(4);
  });
});
