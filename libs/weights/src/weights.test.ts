import { InvariantError } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyWeights, finiteWeights } from './file.fixture.js';
import { layoutManifest } from './manifest.js';
import { add, firstNonFinite, l2Norm, scale, subtract, tensorOf, weightsOf, zeros, type Weights } from './weights.js';

const manifest = layoutManifest([
  { name: 'dense/kernel', shape: [2, 2] },
  { name: 'dense/bias', shape: [2] },
]);
const of = (...values: number[]): Weights => weightsOf(manifest, Float32Array.from(values));
const pairs = fc.integer({ min: 0, max: 40 }).chain((size) => fc.tuple(finiteWeights(size), finiteWeights(size)));
const pair = fc.integer({ min: 0, max: 40 }).chain(finiteWeights);

describe('weights', () => {
  it('have exactly as many values as their manifest', () => {
    expect(() => weightsOf(manifest, new Float32Array(5))).toThrow(InvariantError);
    expect(() => weightsOf(manifest, new Float32Array(7))).toThrow(InvariantError);
  });

  it('are joined to their manifest without a copy', () => {
    const values = new Float32Array(6);
    expect(weightsOf(manifest, values).values).toBe(values);
  });

  it('begin at zero', () => {
    expect(zeros(manifest).values).toEqual(new Float32Array(6));
  });

  it('give a tensor as a view of their buffer', () => {
    const weights = of(1, 2, 3, 4, 5, 6);
    expect([...tensorOf(weights, 'dense/kernel')]).toEqual([1, 2, 3, 4]);
    expect([...tensorOf(weights, 'dense/bias')]).toEqual([5, 6]);
    tensorOf(weights, 'dense/bias')[0] = 9;
    expect(weights.values[4]).toBe(9);
  });

  it('know no tensor that their manifest does not list', () => {
    expect(() => tensorOf(of(1, 2, 3, 4, 5, 6), 'dense')).toThrow(InvariantError);
    expect(() => tensorOf(of(1, 2, 3, 4, 5, 6), '__proto__')).toThrow(InvariantError);
  });
});

describe('arithmetic', () => {
  it('adds, subtracts and scales value by value', () => {
    const [a, b] = [of(1, 2, 3, 4, 5, 6), of(0.5, 0, -3, 1, 1, 0)];
    expect([...add(a, b).values]).toEqual([1.5, 2, 0, 5, 6, 6]);
    expect([...subtract(a, b).values]).toEqual([0.5, 2, 6, 3, 4, 6]);
    expect([...scale(a, -2).values]).toEqual([-2, -4, -6, -8, -10, -12]);
  });

  it('never changes its arguments', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const before = [a.values.slice(), b.values.slice()];
        add(a, b);
        subtract(a, b);
        scale(a, 3);
        l2Norm(a);
        expect([a.values, b.values]).toEqual(before);
      }),
    );
  });

  it('rounds each result once, as IEEE 754 does', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        a.values.forEach((x, i) => {
          const y = b.values[i]!;
          expect(add(a, b).values[i]).toBe(Math.fround(x + y));
          expect(subtract(a, b).values[i]).toBe(Math.fround(x - y));
        });
      }),
      { numRuns: 30 },
    );
  });

  it('adds in either order to the same bits', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        expect(add(a, b).values).toEqual(add(b, a).values);
      }),
    );
  });

  it('finds nothing between weights and themselves', () => {
    fc.assert(
      fc.property(pair, (a) => {
        expect(l2Norm(subtract(a, a))).toBe(0);
      }),
    );
  });

  it('brings the trained weights back from what was received and the update, to the last bit of the larger', () => {
    fc.assert(
      fc.property(pairs, ([trained, received]) => {
        const back = add(received, subtract(trained, received));
        trained.values.forEach((value, i) => {
          const largest = Math.max(Math.abs(value), Math.abs(received.values[i]!));
          if (largest < 1e38)
            expect(Math.abs(back.values[i]! - value)).toBeLessThanOrEqual(largest * 2 ** -22 + 2 ** -149);
        });
      }),
    );
  });

  it('refuses weights of another manifest as our bug', () => {
    const other = zeros(layoutManifest([{ name: 'other', shape: [6] }]));
    expect(() => add(of(1, 2, 3, 4, 5, 6), other)).toThrow(InvariantError);
    expect(() => subtract(of(1, 2, 3, 4, 5, 6), other)).toThrow(InvariantError);
  });

  it.each([Number.NaN, Infinity, -Infinity])('refuses to scale by %s', (factor) => {
    expect(() => scale(of(1, 2, 3, 4, 5, 6), factor)).toThrow(InvariantError);
  });

  it('passes an overflow on as an infinity, for admission to find', () => {
    const large = of(3e38, 0, 0, 0, 0, 0);
    expect(add(large, large).values[0]).toBe(Infinity);
    expect(firstNonFinite(add(large, large).values)).toBe(0);
  });
});

describe('the norm', () => {
  it('is Euclidean over all tensors together', () => {
    expect(l2Norm(of(3, 0, 0, 0, 0, 4))).toBe(5);
    expect(l2Norm(zeros(manifest))).toBe(0);
    expect(l2Norm(zeros(layoutManifest([])))).toBe(0);
  });

  it('does not overflow where float32 would', () => {
    // 6 × (3e38)², whose square root is about 7.35e38: beyond float32, far inside float64.
    expect(l2Norm(of(3e38, 3e38, 3e38, 3e38, 3e38, 3e38)) / (Math.fround(3e38) * Math.sqrt(6))).toBeCloseTo(1, 12);
  });

  it('does not lose the small beside the large, as a float32 sum does (the control)', () => {
    const size = 1 + 2 ** 20;
    const values = new Float32Array(size).fill(1);
    values[0] = 4096;
    const exact = Math.sqrt(4096 ** 2 + 2 ** 20);
    expect(l2Norm(weightsOf(layoutManifest([{ name: 'a', shape: [size] }]), values))).toBe(exact);
    const inFloat32 = Math.sqrt(values.reduce((sum, value) => Math.fround(sum + value * value), 0));
    expect(inFloat32).not.toBe(exact);
  });

  it('is NaN beside a NaN and infinite beside an infinity', () => {
    expect(l2Norm(of(1, Number.NaN, 1, 1, 1, 1))).toBeNaN();
    expect(l2Norm(of(1, -Infinity, 1, 1, 1, 1))).toBe(Infinity);
  });

  it('grows with the factor', () => {
    fc.assert(
      fc.property(fc.float({ min: -8, max: 8, noNaN: true }), (factor) => {
        const a = of(1, -2, 3, -4, 5, -6);
        expect(l2Norm(scale(a, factor))).toBeCloseTo(Math.abs(factor) * l2Norm(a), 4);
      }),
    );
  });
});

describe('the first value that is not finite', () => {
  it.each([Number.NaN, Infinity, -Infinity])('is found when it is %s, wherever it stands', (value) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(), (size, at) => {
        const values = new Float32Array(size).fill(3e38);
        values[at % size] = value;
        expect(firstNonFinite(values)).toBe(at % size);
      }),
    );
  });

  it('agrees with Number.isFinite on any bit pattern', () => {
    fc.assert(
      fc.property(anyWeights, ({ values }) => {
        expect(firstNonFinite(values)).toBe(values.findIndex((value) => !Number.isFinite(value)));
      }),
    );
  });
});
