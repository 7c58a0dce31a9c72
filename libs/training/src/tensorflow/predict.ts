import { setImmediate } from 'node:timers/promises';
import { trainableTensors, type Graph } from '@consilium/model';
import { Fault } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import type { Tensor } from '@tensorflow/tfjs-core';
import { tidy } from './tfjs.js';
import { checkInputs } from '../fitting/check-inputs.js';
import { applyHead, type Head } from '../fitting/head.js';
import { compile } from './compile.js';
import { inputTensors } from './input-tensors.js';
import { Variables } from './variables.js';

/** Values of input that go through the model at once: 256 images of 64 × 64. */
const BATCH_VALUES_MAX = 2 ** 20;
const BATCH_MAX = 256;

/** See {@link Engine.predict}. The backend is active, and nothing else uses TensorFlow.js meanwhile. */
export async function predict(
  graph: Graph,
  weights: Weights,
  images: Float32Array,
  count: number,
  head: Head = 'sigmoid',
): Promise<Float32Array> {
  const { manifest, inputShapes, outputShape, row, outputs } = checkInputs(graph, weights, images, count);
  const batch = Math.max(1, Math.min(BATCH_MAX, Math.floor(BATCH_VALUES_MAX / row)));
  const predictions = new Float32Array(count * outputs);
  const model = compile(graph);
  try {
    new Variables(model, manifest, trainableTensors(graph)).write(weights.values);
    for (let first = 0; first < count; first += batch) {
      const end = Math.min(count, first + batch);
      const values = tidy(() => {
        const input = inputTensors(images.subarray(first * row, end * row), end - first, inputShapes);
        return (model.apply(input, { training: false }) as Tensor).dataSync<'float32'>().slice();
      });
      const wrong = values.findIndex((value) => Number.isNaN(value));
      if (wrong >= 0) throw new Fault('TRAINING_NOT_FINITE', { example: first + Math.floor(wrong / outputs) });
      applyHead(head, values, outputShape.at(-1)!);
      predictions.set(values, first * outputs);
      await setImmediate();
    }
  } finally {
    model.dispose();
  }
  return predictions;
}
