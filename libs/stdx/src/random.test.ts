import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from './random.js';

const draw = (n: number, ...labels: (string | number)[]): number[] => {
  const random = seededRandom(...labels);
  return Array.from({ length: n }, () => random.uniform());
};

describe('a seeded random stream', () => {
  it('is the same for the same labels and another for other labels', () => {
    expect(draw(5, 'a', 1)).toEqual(draw(5, 'a', 1));
    expect(draw(5, 'a', 1)).not.toEqual(draw(5, 'a', 2));
    expect(draw(5, 'a', 1)).not.toEqual(draw(5, 'b', 1));
    expect(draw(5, 'a', '1')).not.toEqual(draw(5, 'a', 1));
  });

  it('gives uniform numbers in [0, 1) with mean one half and variance one twelfth', () => {
    const values = draw(100_000, 'moments');
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(Math.min(...values.slice(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(values.every((v) => v < 1)).toBe(true);
    expect(mean).toBeCloseTo(1 / 2, 2);
    expect(variance).toBeCloseTo(1 / 12, 3);
  });

  it('gives standard normal numbers, at more than one scale of count', () => {
    for (const n of [20_000, 100_000]) {
      const random = seededRandom('normal', n);
      const values = Array.from({ length: n }, () => random.normal());
      const mean = values.reduce((sum, v) => sum + v, 0) / n;
      const within = values.filter((v) => Math.abs(v) < 1.959964).length / n;
      expect(Math.abs(mean)).toBeLessThan(0.03);
      expect(within).toBeCloseTo(0.95, 2);
    }
  });

  it('shuffles every index exactly once', () => {
    fc.assert(
      fc.property(fc.nat({ max: 300 }), fc.nat(), (n, seed) => {
        const order = seededRandom('shuffle', seed).permutation(n);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  it('puts each index in each place about equally often', () => {
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    for (let seed = 0; seed < 4000; seed++)
      seededRandom('places', seed)
        .permutation(4)
        .forEach((item, place) => counts[place]![item]!++);
    for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('keeps integers and ranges inside their bounds', () => {
    const random = seededRandom('bounds');
    for (let i = 0; i < 1000; i++) {
      expect(random.integer(3)).toBeLessThan(3);
      const value = random.between(-2, 5);
      expect(value).toBeGreaterThanOrEqual(-2);
      expect(value).toBeLessThan(5);
    }
  });
});
