import { graphSchema, initialise, trainableTensors } from '@consilium/model';
import { tensorOf } from '@consilium/weights';
import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor, tidy } from './tfjs.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from './backend.js';
import { compile } from './compile.js';
import { Variables } from './variables.js';

// Two channels; the second is ten times the first plus one.
const VALUES = [1, 11, 2, 21, 3, 31, 6, 61];
// Mean 3 and biased variance 3.5 of 1, 2, 3, 6 (the second channel: 31 and 350); the statistics begin at 0 and 1.
const MOMENTUM = 0.75;
const EPSILON = 0.0625;

/** What a batch norm puts out and what its statistics are afterwards, over samples of this shape. */
function normed(shape: number[], training: boolean): { output: number[]; mean: number[]; variance: number[] } {
  const graph = graphSchema.parse({
    layers: [
      { type: 'input', name: 'x', shape },
      { type: 'batch-norm', name: 'norm', momentum: MOMENTUM, epsilon: EPSILON },
    ],
  });
  const weights = initialise(graph, 1);
  tensorOf(weights, 'norm/gamma').set([2, 1]);
  tensorOf(weights, 'norm/beta').set([0.5, 0]);
  const model = compile(graph);
  const variables = new Variables(model, weights.manifest, trainableTensors(graph));
  variables.write(weights.values);
  const batch = VALUES.length / shape.reduce((product, length) => product * length, 1);
  const output = tidy(() => [...(model.apply(tensor(VALUES, [batch, ...shape]), { training }) as Tensor).dataSync()]);
  variables.readInto(weights.values);
  model.dispose();
  return {
    output,
    mean: [...tensorOf(weights, 'norm/moving_mean')],
    variance: [...tensorOf(weights, 'norm/moving_variance')],
  };
}

const expectClose = (came: number[], expected: number[]): void => {
  expect(came).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(came[i]).toBeCloseTo(value, 4));
};

describe.each(['cpu', 'wasm'] as const)('batch norm on %s', (backend) => {
  beforeAll(() => activateBackend(backend));

  // The same values as a table, as images and as volumes.
  it.each([[[2]], [[2, 1, 2]], [[2, 2, 1, 2]]])('normalises by the batch in training, for samples of %j', (shape) => {
    const { output, mean, variance } = normed(shape, true);
    const first = (value: number): number => ((value - 3) / Math.sqrt(3.5 + EPSILON)) * 2 + 0.5;
    const second = (value: number): number => (value - 31) / Math.sqrt(350 + EPSILON);
    expectClose(output, [first(1), second(11), first(2), second(21), first(3), second(31), first(6), second(61)]);
    expectClose(mean, [0.25 * 3, 0.25 * 31]);
    expectClose(variance, [0.75 + 0.25 * 3.5, 0.75 + 0.25 * 350]);
  });

  it('normalises by its statistics in prediction, and leaves them', () => {
    const { output, mean, variance } = normed([2], false);
    const k = 1 / Math.sqrt(1 + EPSILON);
    expectClose(
      output,
      [1, 11, 2, 21, 3, 31, 6, 61].map((value, i) => (i % 2 === 0 ? 2 * k * value + 0.5 : k * value)),
    );
    expect(mean).toEqual([0, 0]);
    expect(variance).toEqual([1, 1]);
  });
});
