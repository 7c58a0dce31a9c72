import { layoutManifest } from '@consilium/weights';
import { describe, expect, it } from 'vitest';
import { slotCount } from '../fitting/optimizer.js';
import { Session } from './session.js';
import { Tape } from './tape.js';
import { emitUpdate, stepNumbers, type UpdateTerms } from './update.js';

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

async function afterThreeSteps(
  terms: UpdateTerms,
  rate: number,
  trainable = ['a/kernel', 'a/bias'],
): Promise<number[]> {
  const tape = new Tape({ batch: 1, manifest, trainable: new Set(trainable), mode: 'training', block: undefined });
  emitUpdate(tape, tape.graph.input('gradient', [4]), terms);
  const session = await Session.open(tape.graph.program(), { threads: 1 });
  let values = Float32Array.from(START);
  let slots = Array.from({ length: slotCount(terms.optimizer) }, () => new Float32Array(4));
  for (const [i, gradient] of GRADIENTS.entries()) {
    const numbers = Object.entries(stepNumbers(terms, rate, i + 1)).map(([name, value]) => [
      name,
      Float32Array.of(value),
    ]);
    const results = await session.run({
      weights: values,
      gradient: Float32Array.from(gradient),
      start: Float32Array.from(START),
      correction: terms.correction ?? new Float32Array(4),
      ...Object.fromEntries(slots.map((slot, slotIndex) => [`slot${slotIndex}`, slot])),
      ...Object.fromEntries(numbers),
    });
    values = results['weights_after']! as Float32Array<ArrayBuffer>;
    slots = slots.map((_, slot) => results[`slot${slot}_after`]! as Float32Array<ArrayBuffer>);
  }
  await session.close();
  return [...values];
}

const expectClose = (came: number[], expected: number[]): void =>
  came.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));

// Computed with NumPy in float64 from the formulas of PyTorch's documentation of SGD, Adam and AdamW.
describe('an update takes the steps of its definition:', () => {
  it('plain gradient descent', async () => {
    const terms: UpdateTerms = { optimizer: { type: 'sgd', momentum: 0 }, weightDecay: 0 };
    expectClose(await afterThreeSteps(terms, 0.1), [0.475, -1.29, 2.0, 0.1]);
  });

  it('momentum', async () => {
    const terms: UpdateTerms = { optimizer: { type: 'sgd', momentum: 0.9 }, weightDecay: 0 };
    expectClose(await afterThreeSteps(terms, 0.1), [0.4624, -1.2918, 1.9217, 0.01]);
  });

  it('momentum with decoupled weight decay on the kernel and not on the bias', async () => {
    const terms: UpdateTerms = { optimizer: { type: 'sgd', momentum: 0.9 }, weightDecay: 0.5 };
    expectClose(await afterThreeSteps(terms, 0.1), [0.3922625, -1.11436875, 1.642225, 0.01]);
  });

  it('Adam', async () => {
    const terms: UpdateTerms = { optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999 }, weightDecay: 0 };
    expectClose(
      await afterThreeSteps(terms, 0.01),
      [0.4807555154351381, -1.2488534436331664, 1.9807564939564073, 0.09301045426177972],
    );
  });

  it('AdamW', async () => {
    const terms: UpdateTerms = { optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999 }, weightDecay: 0.1 };
    expectClose(
      await afterThreeSteps(terms, 0.01),
      [0.4792796683031988, -1.2451235213470124, 1.9747924819554075, 0.09301045426177972],
    );
  });
});

describe('an update', () => {
  const sgd: UpdateTerms = { optimizer: { type: 'sgd', momentum: 0 }, weightDecay: 0 };

  it('scales a long gradient down, and leaves a short one', async () => {
    // Norms 0.374, 1.155, 1.2: the last two become 1.
    const expected = START.map((value, i) => {
      const norms = GRADIENTS.map((gradient) => Math.hypot(...gradient));
      return value - 0.1 * GRADIENTS.reduce((sum, gradient, s) => sum + gradient[i]! / Math.max(1, norms[s]!), 0);
    });
    expectClose(await afterThreeSteps({ ...sgd, clipNorm: 1 }, 0.1), expected);
  });

  it('is pulled towards where it started by FedProx', async () => {
    let values = START;
    for (const gradient of GRADIENTS) {
      values = values.map((value, i) => value - 0.1 * (gradient[i]! + 2 * (value - START[i]!)));
    }
    expectClose(await afterThreeSteps({ ...sgd, proximal: 2 }, 0.1), values);
  });

  it('adds SCAFFOLD’s correction to every gradient', async () => {
    const correction = Float32Array.of(1, 0, -1, 0.5);
    const expected = [0.475 - 0.3, -1.29, 2.0 + 0.3, 0.1 - 0.15];
    expectClose(await afterThreeSteps({ ...sgd, correction }, 0.1), expected);
  });

  it('does not shrink a kernel that is not trained', async () => {
    const [first] = await afterThreeSteps({ ...sgd, weightDecay: 0.5 }, 0.1, ['a/bias']);
    expect(first).toBeCloseTo(0.475, 6);
  });
});
