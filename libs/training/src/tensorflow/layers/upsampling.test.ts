import { tensor, tidy } from '../tfjs.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../backend.js';
import { interpolation, upsampling } from './upsampling.js';

const lengths = fc.integer({ min: 1, max: 12 });
const factors = fc.integer({ min: 1, max: 5 });

describe('the matrix that interpolates an axis', () => {
  it('gives each new value a whole share of old ones', () => {
    fc.assert(
      fc.property(lengths, factors, (length, factor) => {
        const weights = interpolation(length, factor);
        for (let i = 0; i < length * factor; i++) {
          const row = weights.subarray(i * length, (i + 1) * length);
          expect(row.every((weight) => weight >= 0)).toBe(true);
          expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
        }
      }),
    );
  });

  it('follows a straight line between the outermost centres', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), factors, (length, factor) => {
        const weights = interpolation(length, factor);
        for (let i = 0; i < length * factor; i++) {
          const value = weights.subarray(i * length, (i + 1) * length).reduce((sum, weight, j) => sum + weight * j, 0);
          const place = (i + 0.5) / factor - 0.5;
          expect(value).toBeCloseTo(Math.min(length - 1, Math.max(0, place)), 5);
        }
      }),
    );
  });
});

describe.each(['cpu', 'wasm'] as const)('upsampling on %s', (backend) => {
  beforeAll(() => activateBackend(backend));

  it('to the nearest repeats each value along its axis only', () => {
    tidy(() => {
      const x = tensor([1, 2, 3, 4, 5, 6], [1, 1, 3, 2]);
      const wider = upsampling(x, [1, 2], 'nearest');
      expect(wider.shape).toEqual([1, 1, 6, 2]);
      expect([...wider.dataSync()]).toEqual([1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6]);
      const higher = upsampling(x, [2, 1], 'nearest');
      expect([...higher.dataSync()]).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
    });
  });

  it('leaves an even image even, samples apart', () => {
    tidy(() => {
      const x = tensor([7, 7, 7, 7, 9, 9, 9, 9], [2, 2, 2, 1]);
      const larger = upsampling(x, [3, 2], 'bilinear').dataSync();
      expect(larger).toHaveLength(48);
      larger.forEach((value, i) => expect(value).toBeCloseTo(i < 24 ? 7 : 9, 5));
    });
  });
});
