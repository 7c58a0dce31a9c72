import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutManifest } from '@consilium/weights';
import { startOptimizer, type OptimizerSpec } from './optimizer.js';
import { normOf, shapeGradient } from './shape-gradient.js';

const ALL = [{ offset: 0, size: 4 }];
const START = Float32Array.of(0.5, -1.25, 2, 0.1);
const VALUES = Float32Array.of(1, -1, 2, 0);

function shaped(gradient: number[], terms: Parameters<typeof shapeGradient>[3], stretches = ALL): number[] {
  const result = Float32Array.from(gradient);
  shapeGradient(result, VALUES, START, terms, stretches);
  return [...result];
}

const expectClose = (came: number[], expected: number[]): void =>
  expected.forEach((value, i) => expect(came[i]).toBeCloseTo(value, 6));

describe('a gradient', () => {
  it('stays as it is where a job asks for nothing', () => {
    expect(shaped([1, 2, 3, 4], {})).toEqual([1, 2, 3, 4]);
  });

  it('is scaled down to the largest norm, and not when it is shorter', () => {
    expectClose(shaped([3, 0, 0, 4], { clipNorm: 1 }), [0.6, 0, 0, 0.8]);
    expect(shaped([3, 0, 0, 4], { clipNorm: 5 })).toEqual([3, 0, 0, 4]);
    expect(shaped([0, 0, 0, 0], { clipNorm: 1 })).toEqual([0, 0, 0, 0]);
  });

  it('is measured over all trained tensors together, and over nothing else', () => {
    const trained = [
      { offset: 0, size: 1 },
      { offset: 3, size: 1 },
    ];
    expectClose(shaped([3, 100, 100, 4], { clipNorm: 1 }, trained), [0.6, 100, 100, 0.8]);
    expect(normOf(Float32Array.of(3, 100, 100, 4), trained)).toBe(5);
  });

  it('is pulled towards the round’s start by μ · (w − w₀), after clipping', () => {
    expectClose(shaped([3, 0, 0, 4], { clipNorm: 1, proximal: 0.5 }), [0.85, 0.125, 0, 0.75]);
  });

  it('gains the correction of SCAFFOLD', () => {
    const correction = Float32Array.of(0.01, -0.02, 0.03, 0.04);
    expectClose(shaped([1, 1, 1, 1], { correction }), [1.01, 0.98, 1.03, 1.04]);
  });

  it('is never longer than the bound after clipping, and keeps its direction', () => {
    const value = fc.float({ min: -1000, max: 1000, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 4, maxLength: 4 }),
        fc.double({ min: 0.01, max: 10, noNaN: true }),
        (g, c) => {
          const came = Float32Array.from(shaped(g, { clipNorm: c }));
          const before = normOf(Float32Array.from(g), ALL);
          expect(normOf(came, ALL)).toBeLessThanOrEqual(Math.min(c, before) * (1 + 1e-6));
          const dot = came.reduce((sum, x, i) => sum + x * g[i]!, 0);
          expect(dot).toBeGreaterThanOrEqual((1 - 1e-6) * normOf(came, ALL) * before - 1e-9);
        },
      ),
    );
  });
});

// Three steps of PyTorch 2.15 in float64 on gradients given by hand.
describe('with an optimiser it takes the steps of PyTorch', () => {
  const manifest = layoutManifest([{ name: 'a/kernel', shape: [4] }]);
  const gradients = [
    [0.1, -0.2, 0.3, 0],
    [-0.05, 0.4, 0.3, 1],
    [0.2, 0.2, -0.6, -1],
  ];

  function afterThreeSteps(spec: OptimizerSpec, rate: number, terms: Parameters<typeof shapeGradient>[3]): number[] {
    const values = START.slice();
    const optimizer = startOptimizer(spec, { weightDecay: 0, trainable: new Set(['a/kernel']) }, manifest);
    gradients.forEach((given, i) => {
      const gradient = Float32Array.from(given);
      shapeGradient(gradient, values, START, terms, ALL);
      optimizer.step(values, gradient, { step: i + 1, rate });
    });
    return [...values];
  }

  it('with clip_grad_norm_ before Adam', () => {
    const came = afterThreeSteps({ type: 'adam', beta1: 0.9, beta2: 0.999 }, 0.01, { clipNorm: 0.5 });
    // It divides by ‖g‖ + 1e-6, hence the sixth digit.
    const expected = [0.478103657217552, -1.241834388480742, 1.9790869557958954, 0.09271109385321918];
    expected.forEach((value, i) => expect(came[i]).toBeCloseTo(value, 5));
  });

  it('with a proximal term and a correction added to the gradient before momentum', () => {
    const correction = Float32Array.of(0.01, -0.02, 0.03, 0.04);
    const came = afterThreeSteps({ type: 'sgd', momentum: 0.9 }, 0.1, { proximal: 0.5, correction });
    expectClose(came, [0.4586525, -1.282805, 1.9127075, -0.00649]);
  });
});
