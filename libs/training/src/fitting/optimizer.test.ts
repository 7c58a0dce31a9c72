import { layoutManifest } from '@consilium/weights';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startOptimizer, type OptimizerSpec, type OptimizerTerms } from './optimizer.js';

// Three values of a kernel and one of a bias.
const manifest = layoutManifest([
  { name: 'a/kernel', shape: [3] },
  { name: 'a/bias', shape: [1] },
]);
const START = [0.5, -1.25, 2.0, 0.1];
const GRADIENTS = [
  [0.1, -0.2, 0.3, 0.0],
  [-0.05, 0.4, 0.3, 1.0],
  [0.2, 0.2, -0.6, -1.0],
];

function afterThreeSteps(spec: OptimizerSpec, terms: OptimizerTerms): number[] {
  const values = Float32Array.from(START);
  const step = startOptimizer(spec, terms, manifest);
  for (const gradient of GRADIENTS) step(values, Float32Array.from(gradient));
  return [...values];
}

const expectClose = (came: number[], expected: number[]): void =>
  came.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));

// Computed with NumPy in float64 from the formulas of PyTorch's documentation of SGD, Adam and AdamW.
describe('an optimiser takes the steps of its definition', () => {
  it('plain gradient descent', () => {
    const terms = { learningRate: 0.1, weightDecay: 0 };
    expectClose(afterThreeSteps({ type: 'sgd', momentum: 0 }, terms), [0.475, -1.29, 2.0, 0.1]);
  });

  it('momentum', () => {
    const terms = { learningRate: 0.1, weightDecay: 0 };
    expectClose(afterThreeSteps({ type: 'sgd', momentum: 0.9 }, terms), [0.4624, -1.2918, 1.9217, 0.01]);
  });

  it('momentum with decoupled weight decay on the kernel and not on the bias', () => {
    const terms = { learningRate: 0.1, weightDecay: 0.5 };
    expectClose(afterThreeSteps({ type: 'sgd', momentum: 0.9 }, terms), [0.3922625, -1.11436875, 1.642225, 0.01]);
  });

  it('Adam', () => {
    const terms = { learningRate: 0.01, weightDecay: 0 };
    expectClose(
      afterThreeSteps({ type: 'adam', beta1: 0.9, beta2: 0.999 }, terms),
      [0.4807555154351381, -1.2488534436331664, 1.9807564939564073, 0.09301045426177972],
    );
  });

  it('AdamW', () => {
    const terms = { learningRate: 0.01, weightDecay: 0.1 };
    expectClose(
      afterThreeSteps({ type: 'adam', beta1: 0.9, beta2: 0.999 }, terms),
      [0.4792796683031988, -1.2451235213470124, 1.9747924819554075, 0.09301045426177972],
    );
  });
});

describe('an optimiser', () => {
  const specs: OptimizerSpec[] = [
    { type: 'sgd', momentum: 0 },
    { type: 'sgd', momentum: 0.9 },
    { type: 'adam', beta1: 0.9, beta2: 0.999 },
  ];

  it.each(specs)('has no history at its start: the same first step each time ($type)', (spec) => {
    const terms = { learningRate: 0.05, weightDecay: 0 };
    expect(afterThreeSteps(spec, terms)).toEqual(afterThreeSteps(spec, terms));
  });

  it.each(specs)('leaves a value whose gradient is always zero where it is ($type)', (spec) => {
    const values = Float32Array.from(START);
    const step = startOptimizer(spec, { learningRate: 0.1, weightDecay: 0 }, manifest);
    for (let i = 0; i < 5; i++) step(values, new Float32Array(4));
    expect([...values]).toEqual([...Float32Array.from(START)]);
  });

  it('moves by the learning rate in the first step of Adam, whatever the gradient’s size', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (size) => {
        const values = new Float32Array(4);
        const step = startOptimizer(
          { type: 'adam', beta1: 0.9, beta2: 0.999 },
          { learningRate: 0.01, weightDecay: 0 },
          manifest,
        );
        step(values, Float32Array.of(size, -size, size, -size));
        [0.01, 0.01, 0.01, 0.01].forEach((moved, i) => expect(Math.abs(values[i]!)).toBeCloseTo(moved, 5));
      }),
    );
  });
});
