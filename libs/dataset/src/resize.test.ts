import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resizer } from './resize.js';

const apply = (from: [number, number], to: [number, number], values: number[]) => [
  ...resizer(from, to)(Float64Array.from(values)),
];
const side = fc.integer({ min: 1, max: 12 });
const sizes = fc.tuple(side, side, side, side);

describe('resizing', () => {
  it('leaves an image of the wanted size as it is', () => {
    expect(apply([2, 2], [2, 2], [1, 2, 3, 4])).toEqual([1, 2, 3, 4]);
  });

  it('shrinks to the mean of the area that each pixel covers', () => {
    expect(apply([2, 4], [1, 2], [1, 3, 10, 20, 5, 7, 30, 40])).toEqual([4, 25]);
  });

  it('shares a pixel between its neighbours where the borders fall inside it', () => {
    // Three pixels on two: each covers one and a half.
    expect(apply([1, 3], [1, 2], [0, 3, 6])).toEqual([1, 5].map((value) => expect.closeTo(value, 12)));
  });

  it('grows linearly between pixel centres and repeats the border', () => {
    expect(apply([1, 2], [1, 4], [0, 4])).toEqual([0, 1, 3, 4]);
    expect(apply([1, 1], [2, 2], [7])).toEqual([7, 7, 7, 7]);
  });

  it('treats rows and columns on their own', () => {
    expect(apply([4, 1], [2, 2], [1, 3, 10, 20])).toEqual([2, 2, 15, 15]);
  });

  it('keeps a constant image constant, of any size', () => {
    fc.assert(
      fc.property(sizes, fc.double({ min: -1e6, max: 1e6, noNaN: true }), ([h, w, y, x], value) => {
        for (const out of apply([h, w], [y, x], Array(h * w).fill(value) as number[])) {
          expect(Math.abs(out - value)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(value)));
        }
      }),
    );
  });

  it('never leaves the range of the image', () => {
    const image = sizes.chain(([h, w, y, x]) =>
      fc.tuple(
        fc.constant([h, w, y, x] as const),
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: h * w, maxLength: h * w }),
      ),
    );
    fc.assert(
      fc.property(image, ([[h, w, y, x], values]) => {
        const [low, high] = [Math.min(...values), Math.max(...values)];
        for (const out of apply([h, w], [y, x], values)) expect(out >= low - 1e-9 && out <= high + 1e-9).toBe(true);
      }),
    );
  });

  it('keeps the mean when it shrinks by whole factors', () => {
    const image = fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }))
      .chain(([size, factor]) =>
        fc.tuple(
          fc.constant([size, factor] as const),
          fc.array(fc.nat(4095), { minLength: (size * factor) ** 2, maxLength: (size * factor) ** 2 }),
        ),
      );
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    fc.assert(
      fc.property(image, ([[size, factor], values]) => {
        expect(mean(apply([size * factor, size * factor], [size, size], values))).toBeCloseTo(mean(values), 8);
      }),
    );
  });
});
