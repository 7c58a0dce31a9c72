import { setImmediate } from 'node:timers/promises';
import { trainableTensors } from '@consilium/model';
import { Fault, seededRandom } from '@consilium/stdx';
import { firstNonFinite, weightsOf } from '@consilium/weights';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { customGrad, mul, scalar, tensor, tidy, variableGrads } from './tfjs.js';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { classWeightsOf } from '../fitting/class-weights.js';
import { binaryCrossEntropy } from '../fitting/loss.js';
import { startOptimizer } from '../fitting/optimizer.js';
import { samplesOf, type Batch } from '../fitting/samples.js';
import type { FitHooks, FitJob, FitResult } from '../job.js';
import { checkInputs } from './check-inputs.js';
import { compile } from './compile.js';
import { Variables } from './variables.js';

/** See {@link Engine.fit}. The backend is active, and nothing else uses TensorFlow.js meanwhile. */
export async function fit(job: FitJob, { onProgress, signal }: FitHooks): Promise<FitResult> {
  const { manifest, inputShape } = checkInputs(job.graph, job.weights, job.images, job.count);
  if (job.count === 0) throw new Fault('DATA_EMPTY', { split: 'train' });

  const batches = samplesOf(job, inputShape);
  const classWeights = classWeightsOf(job.classWeights, job.labels);
  const optimizer = startOptimizer(job.optimizer, job, manifest);
  const values = job.weights.values.slice();
  const gradient = new Float32Array(manifest.size);
  let losses = 0;

  const model = compile(job.graph, seededRandom('consilium/dropout', ...job.seed));
  try {
    const variables = new Variables(model, manifest, trainableTensors(job.graph));
    variables.write(values);
    for (let step = 1; step <= job.steps; step++) {
      if (signal?.aborted) throw new Fault('CANCELLED', { step });
      const loss = differentiate(
        model,
        variables,
        batches.next().value,
        [job.batchSize, ...inputShape],
        classWeights,
        gradient,
      );
      if (!Number.isFinite(loss)) throw new Fault('TRAINING_NOT_FINITE', { step });
      optimizer(values, gradient);
      variables.writeTrainable(values);
      losses += loss;
      onProgress?.({ step, steps: job.steps, loss });
      // Lets timers, messages and an abort in; a step takes milliseconds, this takes none.
      await setImmediate();
    }
    variables.readInto(values);
  } finally {
    model.dispose();
  }
  if (firstNonFinite(values) >= 0) throw new Fault('TRAINING_NOT_FINITE', { step: job.steps });
  return { weights: weightsOf(manifest, values), loss: losses / job.steps, steps: job.steps };
}

/** The batch's loss; its gradient is written into `gradient`. Leaves no tensor behind. */
function differentiate(
  model: LayersModel,
  variables: Variables,
  { images, labels }: Batch,
  shape: number[],
  classWeights: readonly [number, number],
  gradient: Float32Array,
): number {
  let loss = NaN;
  const lossOf = customGrad((...inputs: (Tensor | unknown)[]) => {
    const logits = inputs[0] as Tensor;
    const result = binaryCrossEntropy(logits.dataSync<'float32'>(), labels, classWeights);
    loss = result.loss;
    const gradFunc = (dy: Tensor): Tensor => mul(dy, tensor(result.gradient, logits.shape));
    return { value: scalar(loss), gradFunc };
  });
  tidy(() => {
    const input = tensor(images, shape);
    const logitLoss = (): Scalar => lossOf(model.apply(input, { training: true }) as Tensor) as Scalar;
    variables.readGradients(variableGrads(logitLoss, variables.trainable).grads, gradient);
  });
  return loss;
}
