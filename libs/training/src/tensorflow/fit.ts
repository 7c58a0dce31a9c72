import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { customGrad, mul, scalar, tensor, tidy, variableGrads } from './tfjs.js';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { dropoutStream, withoutDropout, type DropoutStream } from '../fitting/dropout.js';
import { fitLoop, type Differentiator, type Part } from '../fitting/fit-loop.js';
import { objectiveOf, type Objective } from '../fitting/objective.js';
import type { FitHooks, FitJob, FitResult, GradientJob, GradientResult } from '../job.js';
import { compile } from './compile.js';
import { inputTensors } from './input-tensors.js';
import { Variables } from './variables.js';

/** See {@link Engine.fit}. The backend is active, and nothing else uses TensorFlow.js meanwhile. */
export async function fit(job: FitJob, hooks: FitHooks): Promise<FitResult> {
  const objective = objectiveOf(job);
  const dropout = dropoutStream(job.seed);
  const model = compile(job.graph, dropout);
  try {
    for (const name of job.frozen ?? []) model.getLayer(name).trainable = false;
    return await fitLoop(job, hooks, objective, new TensorflowGradients(model, objective, dropout));
  } finally {
    model.dispose();
  }
}

/** See {@link Engine.gradient}. */
export async function gradient(job: GradientJob): Promise<GradientResult> {
  const objective = objectiveOf(job);
  const dropout = dropoutStream([]);
  const model = compile(withoutDropout(job.graph), dropout);
  try {
    const engine = new TensorflowGradients(model, objective, dropout);
    engine.write(job.weights.values);
    const values = new Float32Array(objective.manifest.size);
    const loss = engine.differentiate({ ...job, step: 1, first: 0, total: job.count }, values);
    return { loss, gradient: values };
  } finally {
    model.dispose();
  }
}

/** Backpropagation by TensorFlow.js from the logits down; above them the loss is ours, in float64. */
class TensorflowGradients implements Differentiator {
  readonly #variables: Variables;

  constructor(
    private readonly model: LayersModel,
    private readonly objective: Objective,
    private readonly dropout: DropoutStream,
  ) {
    this.#variables = new Variables(model, objective.manifest, objective.trainable);
  }

  write(values: Float32Array): void {
    this.#variables.write(values);
  }

  writeTrained(values: Float32Array): void {
    this.#variables.writeTrainable(values);
  }

  read(values: Float32Array): void {
    this.#variables.readInto(values);
  }

  /** Leaves no tensor behind. */
  differentiate({ images, labels, count, step, first, total }: Part, values: Float32Array): number {
    this.dropout.restart(step, first);
    let loss = NaN;
    const lossOf = customGrad((...inputs: (Tensor | unknown)[]) => {
      const logits = inputs[0] as Tensor;
      const result = this.objective.lossOf(logits.dataSync<'float32'>(), labels, count, total);
      loss = result.loss;
      const gradFunc = (dy: Tensor): Tensor => mul(dy, tensor(result.gradient, logits.shape));
      return { value: scalar(loss), gradFunc };
    });
    tidy(() => {
      const input = inputTensors(images, count, this.objective.inputShapes);
      const logitLoss = (): Scalar => lossOf(this.model.apply(input, { training: true }) as Tensor) as Scalar;
      this.#variables.readGradients(variableGrads(logitLoss, this.#variables.trainable).grads, values);
    });
    return loss;
  }
}
