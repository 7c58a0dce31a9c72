import { setImmediate } from 'node:timers/promises';
import { trainableTensors, type Graph } from '@consilium/model';
import { Fault } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor, tidy } from './tfjs.js';
import { sigmoid } from '../fitting/loss.js';
import { checkInputs } from './check-inputs.js';
import { compile } from './compile.js';
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
): Promise<Float32Array> {
  const { manifest, inputShape } = checkInputs(graph, weights, images, count);
  const size = images.length / Math.max(1, count);
  const batch = Math.max(1, Math.min(BATCH_MAX, Math.floor(BATCH_VALUES_MAX / Math.max(1, size))));
  const probabilities = new Float32Array(count);
  const model = compile(graph);
  try {
    new Variables(model, manifest, trainableTensors(graph)).write(weights.values);
    for (let first = 0; first < count; first += batch) {
      const end = Math.min(count, first + batch);
      const logits = tidy(() => {
        const input = tensor(images.slice(first * size, end * size), [end - first, ...inputShape]);
        return (model.apply(input, { training: false }) as Tensor).dataSync<'float32'>();
      });
      logits.forEach((logit, i) => {
        if (Number.isNaN(logit)) throw new Fault('TRAINING_NOT_FINITE', { example: first + i });
        probabilities[first + i] = sigmoid(logit);
      });
      await setImmediate();
    }
  } finally {
    model.dispose();
  }
  return probabilities;
}
