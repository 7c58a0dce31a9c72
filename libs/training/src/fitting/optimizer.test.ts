import { layoutManifest } from '@consilium/weights';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decays, slotCount, startOptimizer, type Optimizer, type OptimizerSpec } from './optimizer.js';

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

const trainable = new Set(['a/kernel', 'a/bias']);

interface Terms {
  readonly learningRate: number;
  readonly weightDecay: number;
}

const start = (spec: OptimizerSpec, weightDecay = 0): Optimizer =>
  startOptimizer(spec, { weightDecay, trainable }, manifest);

function afterThreeSteps(spec: OptimizerSpec, { learningRate, weightDecay }: Terms): number[] {
  const values = Float32Array.from(START);
  const optimizer = start(spec, weightDecay);
  GRADIENTS.forEach((gradient, i) =>
    optimizer.step(values, Float32Array.from(gradient), { step: i + 1, rate: learningRate }),
  );
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
    const optimizer = start(spec);
    for (let step = 1; step <= 5; step++) optimizer.step(values, new Float32Array(4), { step, rate: 0.1 });
    expect([...values]).toEqual([...Float32Array.from(START)]);
  });

  it('moves by the learning rate in the first step of Adam, whatever the gradient’s size', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (size) => {
        const values = new Float32Array(4);
        const optimizer = start({ type: 'adam', beta1: 0.9, beta2: 0.999 });
        optimizer.step(values, Float32Array.of(size, -size, size, -size), { step: 1, rate: 0.01 });
        [0.01, 0.01, 0.01, 0.01].forEach((moved, i) => expect(Math.abs(values[i]!)).toBeCloseTo(moved, 5));
      }),
    );
  });
});

describe('what an optimiser remembers', () => {
  const specs: OptimizerSpec[] = [
    { type: 'sgd', momentum: 0 },
    { type: 'sgd', momentum: 0.9 },
    { type: 'adam', beta1: 0.9, beta2: 0.999 },
  ];

  it.each(specs)('is enough to go on with the same bits ($type)', (spec) => {
    const whole = afterThreeSteps(spec, { learningRate: 0.05, weightDecay: 0 });
    const values = Float32Array.from(START);
    const first = start(spec);
    first.step(values, Float32Array.from(GRADIENTS[0]!), { step: 1, rate: 0.05 });
    const kept = first.slots.map((slot) => slot.slice());
    const second = startOptimizer(spec, { weightDecay: 0, trainable }, manifest, kept);
    for (const step of [2, 3]) second.step(values, Float32Array.from(GRADIENTS[step - 1]!), { step, rate: 0.05 });
    expect([...values]).toEqual(whole);
  });

  it('is nothing, a velocity, or two means', () => {
    expect(specs.map(slotCount)).toEqual([0, 1, 2]);
    expect(specs.map((spec) => start(spec).slots.length)).toEqual([0, 1, 2]);
  });

  it('must be of its own kind', () => {
    const adam: OptimizerSpec = { type: 'adam', beta1: 0.9, beta2: 0.999 };
    const terms = { weightDecay: 0, trainable };
    expect(() => startOptimizer(adam, terms, manifest, [new Float32Array(4)])).toThrow('its own slots');
  });
});

describe('weight decay', () => {
  it('shrinks what multiplies, and neither biases nor norms', () => {
    const names = ['conv/kernel', 'attend/query_kernel', 'conv/bias', 'norm/gamma', 'norm/moving_mean', 'a/kernels'];
    expect(names.filter(decays)).toEqual(['conv/kernel', 'attend/query_kernel']);
  });

  it('leaves frozen kernels alone', () => {
    const optimizer = startOptimizer(
      { type: 'sgd', momentum: 0 },
      { weightDecay: 0.5, trainable: new Set() },
      manifest,
    );
    const values = Float32Array.from(START);
    optimizer.step(values, new Float32Array(4), { step: 1, rate: 0.1 });
    expect([...values]).toEqual([...Float32Array.from(START)]);
  });
});
