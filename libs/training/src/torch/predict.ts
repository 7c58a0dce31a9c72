import { trainableTensors, type Graph } from '@consilium/model';
import { Fault } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import { checkInputs } from '../fitting/check-inputs.js';
import { applyHead, type Head } from '../fitting/head.js';
import { openGraph } from './open-graph.js';
import type { TorchProgram } from './program.js';

/** Values of input that go through the model at once: 64 images of 128 × 128. */
const BATCH_VALUES_MAX = 2 ** 20;
const BATCH_MAX = 256;

/** See {@link Engine.predict}. */
export async function predict(
  program: TorchProgram,
  graph: Graph,
  weights: Weights,
  images: Float32Array,
  count: number,
  head: Head = 'sigmoid',
): Promise<Float32Array> {
  const { manifest, outputShape, row, outputs } = checkInputs(graph, weights, images, count);
  await openGraph(program, graph, { manifest, trainable: trainableTensors(graph) }, weights.values);
  const batch = Math.max(1, Math.min(BATCH_MAX, Math.floor(BATCH_VALUES_MAX / row)));
  const predictions = new Float32Array(count * outputs);
  for (let first = 0; first < count; first += batch) {
    const end = Math.min(count, first + batch);
    const rows = images.subarray(first * row, end * row);
    const answer = await program.ask('predict', { header: { count: end - first }, arrays: { images: rows } });
    const values = answer.arrays['outputs'] as Float32Array;
    const wrong = values.findIndex((value) => Number.isNaN(value));
    if (wrong >= 0) throw new Fault('TRAINING_NOT_FINITE', { example: first + Math.floor(wrong / outputs) });
    applyHead(head, values, outputShape.at(-1)!);
    predictions.set(values, first * outputs);
  }
  return predictions;
}
