import { seededRandom } from '@consilium/stdx';
import { mean, sum, tensor, tidy } from '../tensorflow/tfjs.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';
import { sumRows } from './leading-sums.js';

beforeAll(() => activateBackend('wasm'));

describe('the sum of rows', () => {
  it('is exact where float32 would lose what is small', () => {
    const sums = new Float32Array(2);
    sumRows(Float32Array.of(2 ** 24, 1, 1, 1, 1, 1), 3, 1, sums);
    expect([...sums]).toEqual([2 ** 24 + 2, 3]);
  });

  it('is scaled once, at the end', () => {
    const sums = new Float32Array(1);
    sumRows(Float32Array.of(1, 2, 6), 3, 1 / 3, sums);
    expect(sums[0]).toBe(3);
  });
});

describe('sums and means over leading axes', () => {
  const shapes = fc.record({
    // Beyond one block of rows, too.
    rows: fc.integer({ min: 1, max: 600 }),
    // With and without whole vectors, so both ways are taken.
    columns: fc.integer({ min: 1, max: 13 }),
    keepDims: fc.boolean(),
    seed: fc.nat(),
  });

  it('are those of the definition, rounded once', () => {
    fc.assert(
      fc.property(shapes, ({ rows, columns, keepDims, seed }) => {
        const random = seededRandom('test', seed);
        const values = Float32Array.from({ length: 2 * rows * columns }, () => random.normal());
        const expected = new Float64Array(columns);
        values.forEach((value, i) => (expected[i % columns]! += value));
        tidy(() => {
          const x = tensor(values, [2, rows, columns]);
          const [total, average] = [sum(x, [0, 1], keepDims), mean(x, [0, 1], keepDims)];
          expect(total.shape).toEqual(keepDims ? [1, 1, columns] : [columns]);
          expect([...total.dataSync()]).toEqual([...Float32Array.from(expected)]);
          expect([...average.dataSync()]).toEqual([
            ...Float32Array.from(expected, (value) => value * (1 / (2 * rows))),
          ]);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('of whole numbers stay upstream’s', () => {
    tidy(() => {
      const total = sum(tensor([1, 2, 3, 4], [2, 2], 'int32'), 0);
      expect(total.dtype).toBe('int32');
      expect([...total.dataSync()]).toEqual([4, 6]);
    });
  });
});
