import { setImmediate } from 'node:timers/promises';
import type { Graph } from '@consilium/model';
import { Fault } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import { checkInputs } from '../fitting/check-inputs.js';
import { applyHead, type Head } from '../fitting/head.js';
import type { Machine } from './machine.js';
import { predictionProgram } from './programs.js';
import { Session } from './session.js';

/** Values of input that go through the model at once: 256 images of 64 × 64. */
const BATCH_VALUES_MAX = 2 ** 20;
const BATCH_MAX = 256;

/** See {@link Engine.predict}. */
export async function predict(
  graph: Graph,
  weights: Weights,
  images: Float32Array,
  count: number,
  machine: Machine,
  head: Head = 'sigmoid',
): Promise<Float32Array> {
  const face = checkInputs(graph, weights, images, count);
  const { row, outputs, outputShape } = face;
  const results = new Float32Array(count * outputs);
  if (count === 0) return results;
  const batch = Math.max(1, Math.min(count, BATCH_MAX, Math.floor(BATCH_VALUES_MAX / row)));
  const session = await Session.open(predictionProgram(graph, batch, face, machine.target), machine);
  try {
    for (let first = 0; first < count; first += batch) {
      const end = Math.min(count, first + batch);
      // Shapes are fixed, so the last batch is filled up with zeros, whose outputs are left.
      const filled = new Float32Array(batch * row);
      filled.set(images.subarray(first * row, end * row));
      const { outputs: values } = (await session.run({ images: filled, weights: weights.values })) as {
        readonly outputs: Float32Array;
      };
      results.set(values.subarray(0, (end - first) * outputs), first * outputs);
      await setImmediate();
    }
  } finally {
    await session.close();
  }
  const bad = results.findIndex((value) => Number.isNaN(value));
  if (bad >= 0) throw new Fault('TRAINING_NOT_FINITE', { example: Math.floor(bad / outputs) });
  applyHead(head, results, outputShape.at(-1)!);
  return results;
}
