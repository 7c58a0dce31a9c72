import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseInto, type Normalisation } from './normalise.js';

const normalised = (values: number[], how: Normalisation, range: [number, number] = [0, 4095]): number[] => {
  const target = new Float32Array(values.length);
  normaliseInto(target, Float64Array.from(values), range, how);
  return [...target];
};

describe('per-image normalisation', () => {
  it('subtracts the mean and divides by the standard deviation of the population', () => {
    expect(normalised([1, 3], 'per-image')).toEqual([-1, 1]);
    expect(normalised([0, 0, 0, 4], 'per-image')).toEqual(
      [-1, -1, -1, 3].map((value) => Math.fround(value / Math.sqrt(3))),
    );
  });

  it('makes a constant image zero, also where its mean cannot be told exactly', () => {
    expect(normalised([7, 7], 'per-image')).toEqual([0, 0]);
    expect(normalised([0.1, 0.1, 0.1], 'per-image')).toEqual([0, 0, 0]);
  });

  it('does not see a scanner’s gain and offset', () => {
    const image = fc.array(fc.nat(4095), { minLength: 2, maxLength: 16 }).filter((values) => new Set(values).size > 1);
    fc.assert(
      fc.property(
        image,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: -2000, max: 2000 }),
        (values, gain, offset) => {
          const [plain, scaled] = [
            normalised(values, 'per-image'),
            normalised(
              values.map((v) => gain * v + offset),
              'per-image',
            ),
          ];
          plain.forEach((value, i) => expect(scaled[i]).toBeCloseTo(value, 4));
        },
      ),
    );
  });

  it('gives finite values for anything that DICOM can store', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (values) => {
          expect(normalised(values, 'per-image').every(Number.isFinite)).toBe(true);
        },
      ),
    );
  });
});

describe('unit normalisation', () => {
  it('maps the range that the file could store to 0 … 1, whatever the image holds', () => {
    expect(normalised([0, 4095, 1023.75], 'unit')).toEqual([0, 1, 0.25]);
    expect(normalised([-1024, 3071], 'unit', [-1024, 3071])).toEqual([0, 1]);
  });

  it('makes an image without any range zero', () => {
    expect(normalised([5, 5], 'unit', [5, 5])).toEqual([0, 0]);
  });
});
