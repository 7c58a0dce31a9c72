import { seededRandom } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_COLUMNS, BLOCK_ROWS_MAX, blockName, SIMD_FUNCTIONS } from './functions.js';
import type { SimdKernels } from './instance.js';
import { encodeModule } from './module.js';

const memory = new WebAssembly.Memory({ initial: 16 });
const simd = new WebAssembly.Instance(new WebAssembly.Module(encodeModule(SIMD_FUNCTIONS)), { env: { memory } })
  .exports as unknown as SimdKernels;

/** Lays arrays into memory one behind the other and tells where each begins, in bytes. */
function lay(...arrays: number[][]): { pointers: number[]; read: (index: number) => number[] } {
  const pointers: number[] = [];
  // Away from zero, so that a lost pointer shows.
  let next = 1024;
  for (const array of arrays) {
    new Float32Array(memory.buffer, next, array.length).set(array);
    pointers.push(next);
    next += array.length * 4;
  }
  return { pointers, read: (index) => [...new Float32Array(memory.buffer, pointers[index], arrays[index]!.length)] };
}

/** Small whole numbers, whose sums are exact in every order. */
const wholes = (length: number, seed: number): number[] => {
  const random = seededRandom('test', seed);
  return Array.from({ length }, () => random.integer(19) - 9);
};

const sizes = fc.record({
  gridRows: fc.integer({ min: 1, max: 5 }),
  gridColumns: fc.integer({ min: 1, max: 6 }),
  step: fc.integer({ min: 1, max: 3 }),
  skip: fc.integer({ min: 0, max: 4 }),
  spare: fc.integer({ min: 0, max: 3 }),
  seed: fc.nat(),
});

describe.each(
  Array.from({ length: BLOCK_ROWS_MAX }, (_, i) => i + 1).flatMap((rows) =>
    BLOCK_COLUMNS.map((columns) => ({ rows, columns })),
  ),
)('the sum of outer products in a block of $rows × $columns', ({ rows, columns }) => {
  it('is what it is defined as, added to what was there', () => {
    fc.assert(
      fc.property(sizes, ({ gridRows, gridColumns, step, skip, spare, seed }) => {
        const xRow = gridColumns * step + skip;
        const dyStep = columns + spare;
        const outStep = columns + spare;
        const x = wholes(gridRows * xRow + rows, seed);
        const dy = wholes(gridRows * gridColumns * dyStep + columns, seed + 1);
        const out = wholes(rows * outStep, seed + 2);
        const expected = [...out];
        for (let r = 0; r < gridRows; r++)
          for (let c = 0; c < gridColumns; c++)
            for (let i = 0; i < rows; i++)
              for (let j = 0; j < columns; j++)
                expected[i * outStep + j]! += x[r * xRow + c * step + i]! * dy[(r * gridColumns + c) * dyStep + j]!;
        const { pointers, read } = lay(x, dy, out);
        simd[blockName(rows, columns)]!(
          ...pointers,
          gridRows,
          gridColumns,
          step * 4,
          skip * 4,
          dyStep * 4,
          outStep * 4,
        );
        expect(read(2)).toEqual(expected);
        // What was only read is as it was.
        expect(read(0)).toEqual(x);
        expect(read(1)).toEqual(dy);
      }),
      { numRuns: 25 },
    );
  });
});

describe('scattering to the maximum', () => {
  const scatter = (window: number[][], gradient: number[]): number[] => {
    const maxima = [0, 1, 2, 3].map((channel) => Math.max(...window.map((pixel) => pixel[channel]!)));
    const { pointers, read } = lay(window.flat(), new Array<number>(window.length * 4).fill(0), maxima, gradient);
    // One row of pixels of four channels.
    simd['scatterToMaximum']!(...pointers, 1, 1, window.length, 16, 0);
    return read(1);
  };

  it('gives each channel’s gradient to its largest value', () => {
    expect(
      scatter(
        [
          [1, 9, 3, 4],
          [5, 6, 7, 8],
        ],
        [10, 20, 30, 40],
      ),
    ).toEqual([0, 20, 0, 0, 10, 0, 30, 40]);
  });

  it('gives it to the first of equals only', () => {
    expect(
      scatter(
        [
          [0, 0, 2, 2],
          [0, 0, 2, 3],
          [0, 1, 2, 3],
        ],
        [1, 2, 3, 4],
      ),
    ).toEqual([1, 0, 3, 0, 0, 0, 0, 4, 0, 2, 0, 0]);
  });

  it('knows negative values', () => {
    expect(
      scatter(
        [
          [-5, -4, -3, -2],
          [-1, -9, -9, -9],
        ],
        [1, 2, 3, 4],
      ),
    ).toEqual([0, 2, 3, 4, 1, 0, 0, 0]);
  });

  it('adds to what overlapping windows gave before, and steps over the rest of a row', () => {
    // A window of 2 × 1 pixels at the left of an image of 2 × 2, eight channels: two vectors.
    const pixel = (value: number): number[] => new Array<number>(8).fill(value);
    const x = [pixel(1), pixel(50), pixel(2), pixel(60)].flat();
    const { pointers, read } = lay(x, new Array<number>(32).fill(100), pixel(2), pixel(7));
    simd['scatterToMaximum']!(...pointers, 2, 2, 1, 32, 32);
    expect(read(1)).toEqual([pixel(100), pixel(100), pixel(107), pixel(100)].flat());
  });
});

describe('adding columns', () => {
  it('adds four neighbours in float64', () => {
    // 2^24 + 1 is not a float32, so a sum in float32 would stay at 2^24.
    const matrix = [2 ** 24, 1, 2, 3, 99, 1, 1, 1, 1, 99, 1, 0, 0, 0, 99];
    const { pointers } = lay(matrix, new Array<number>(8).fill(0));
    const sums = new Float64Array(memory.buffer, 2048, 4).fill(10);
    simd['addColumns']!(pointers[0]!, 3, 5 * 4, 2048);
    expect([...sums]).toEqual([2 ** 24 + 12, 12, 13, 14]);
  });
});
