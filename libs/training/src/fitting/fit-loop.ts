import { setImmediate } from 'node:timers/promises';
import { Fault } from '@consilium/stdx';
import { firstNonFinite, weightsOf } from '@consilium/weights';
import type { FitHooks, FitJob, FitResult } from '../job.js';
import { copyState, startState } from './fit-state.js';
import { isSeparable } from './loss/losses.js';
import { layerOf, type Objective } from './objective.js';
import { startOptimizer } from './optimizer.js';
import { isOutOfMemory } from './out-of-memory.js';
import { rateAt } from './rate-schedule.js';
import { Samples, type Batch } from './samples.js';
import { shapeGradient } from './shape-gradient.js';

/** Some samples of a batch: all of them, or fewer where memory is short. */
export interface Part extends Batch {
  readonly step: number;
  /** Where in the batch its samples stand. */
  readonly first: number;
  /** Samples of the whole batch, by which losses are divided. */
  readonly total: number;
}

/** What an engine does for {@link fitLoop}: it holds the tensors and differentiates. Arrays follow the manifest. */
export interface Differentiator {
  /** Sets every tensor. */
  write(values: Float32Array): void;
  /** Sets the tensors that are trained. */
  writeTrained(values: Float32Array): void;
  /** Answers the part's share of the loss and writes its share of the gradient over the trained stretches. */
  differentiate(part: Part, gradient: Float32Array): number | Promise<number>;
  /** Copies every tensor, moving statistics included, into `values`. */
  read(values: Float32Array): void | Promise<void>;
}

/** How often a state is told where the caller does not say. */
export const STATE_EVERY = 50;

/**
 * The training loop of the engines that leave the optimiser to us. Samples, rates, clipping and steps are ours and in
 * plain arithmetic, so engines differ by their gradients' rounding alone.
 */
export async function fitLoop(
  job: FitJob,
  { onProgress, signal, resume, onState, stateEvery = STATE_EVERY }: FitHooks,
  objective: Objective,
  engine: Differentiator,
): Promise<FitResult> {
  const { manifest, inputShapes, trainable } = objective;
  const start = startState(job.weights.values, job.steps, resume);
  const { values } = start;
  const trained = manifest.tensors.filter(({ name }) => trainable.has(name));
  const optimizer = startOptimizer(job.optimizer, { ...job, trainable }, manifest, resume && start.slots);
  const samples = new Samples(job, inputShapes);
  const gradient = new Float32Array(manifest.size);
  const parts = new Parts(engine, objective, start.microBatches);
  let { lossSum } = start;

  engine.write(values);
  for (let step = start.step + 1; step <= job.steps; step++) {
    if (signal?.aborted) throw new Fault('CANCELLED', { step });
    const loss = await parts.differentiate(samples.at(step), step, gradient);
    if (!Number.isFinite(loss)) throw new Fault('TRAINING_NOT_FINITE', { step });
    shapeGradient(gradient, values, job.weights.values, job, trained);
    optimizer.step(values, gradient, { step, rate: rateAt(job.schedule, job.learningRate, step, job.steps) });
    engine.writeTrained(values);
    lossSum += loss;
    const { microBatches } = parts;
    onProgress?.({ step, steps: job.steps, loss, microBatches });
    if (onState && step % stateEvery === 0 && step < job.steps) {
      await engine.read(values);
      onState(copyState({ step, values, slots: optimizer.slots, lossSum, microBatches }));
    }
    // Lets timers, messages and an abort in; a step takes milliseconds, this takes none.
    await setImmediate();
  }
  await engine.read(values);
  return resultOf(job, objective, values, lossSum);
}

/** What a job answers, once its values are seen to be numbers: personal layers apart, everything frozen as it came. */
export function resultOf(
  { weights, steps, personal = [], frozen = [] }: FitJob,
  { manifest }: Pick<Objective, 'manifest'>,
  values: Float32Array,
  lossSum: number,
): FitResult {
  if (firstNonFinite(values) >= 0) throw new Fault('TRAINING_NOT_FINITE', { step: steps });
  const own = manifest.tensors.filter(({ name }) => personal.includes(layerOf(name)));
  const personalValues = concatenated(own.map(({ offset, size }) => values.slice(offset, offset + size)));
  for (const { name, offset, size } of manifest.tensors) {
    const layer = layerOf(name);
    if (!personal.includes(layer) && !frozen.includes(layer)) continue;
    values.set(weights.values.subarray(offset, offset + size), offset);
  }
  const result = { weights: weightsOf(manifest, values), loss: lossSum / steps, steps };
  return personal.length === 0 ? result : { ...result, personal: personalValues };
}

function concatenated(pieces: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Differentiates whole batches, in as many parts as memory needs. */
class Parts {
  constructor(
    private readonly engine: Differentiator,
    private readonly objective: Objective,
    /** Only ever grows: what did not fit once is not tried again. */
    public microBatches: number,
  ) {}

  async differentiate(batch: Batch, step: number, gradient: Float32Array): Promise<number> {
    for (;;) {
      try {
        return await this.#inParts(batch, step, gradient);
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        const divisible = isSeparable(this.objective.loss) && this.microBatches < batch.count;
        if (!divisible)
          throw new Fault('OUT_OF_MEMORY', { step, samples: Math.ceil(batch.count / this.microBatches) }, error);
        this.microBatches = Math.min(batch.count, this.microBatches * 2);
      }
    }
  }

  async #inParts(batch: Batch, step: number, gradient: Float32Array): Promise<number> {
    const size = Math.ceil(batch.count / this.microBatches);
    const partial = size < batch.count ? new Float32Array(gradient.length) : gradient;
    if (partial !== gradient) gradient.fill(0);
    let loss = 0;
    for (let first = 0; first < batch.count; first += size) {
      loss += await this.engine.differentiate(this.#part(batch, step, first, size), partial);
      if (partial !== gradient) for (let i = 0; i < gradient.length; i++) gradient[i] = gradient[i]! + partial[i]!;
    }
    return loss;
  }

  #part({ images, labels, count: total }: Batch, step: number, first: number, size: number): Part {
    const { row, targets } = this.objective;
    const end = Math.min(total, first + size);
    return {
      images: images.subarray(first * row, end * row),
      labels: labels.subarray(first * targets, end * targets),
      count: end - first,
      step,
      first,
      total,
    };
  }
}
