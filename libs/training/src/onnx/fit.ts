import { setImmediate } from 'node:timers/promises';
import { Fault } from '@consilium/stdx';
import { dropoutStream } from '../fitting/dropout.js';
import { resultOf, STATE_EVERY } from '../fitting/fit-loop.js';
import { isSeparable } from '../fitting/loss/losses.js';
import { isOutOfMemory } from '../fitting/out-of-memory.js';
import { copyState, startState, type FitState } from '../fitting/fit-state.js';
import { objectiveOf, type Objective } from '../fitting/objective.js';
import { slotCount } from '../fitting/optimizer.js';
import { rateAt } from '../fitting/rate-schedule.js';
import { Samples, type Batch } from '../fitting/samples.js';
import type { FitHooks, FitJob, FitResult } from '../job.js';
import { fitInParts, takeStatistics } from './fit-in-parts.js';
import type { Machine } from './machine.js';
import { maskFeeds, targetFeeds } from './feeds.js';
import { trainingProgram, type DifferentiatingProgram } from './programs.js';
import { Session, type Arrays } from './session.js';
import { stepNumbers } from './update.js';

/**
 * See {@link Engine.fit}: one program holds the whole step, and weights and slots go round through it. Where memory
 * runs out, the job goes on in parts of a batch, with the optimiser outside; the effective batch is the same.
 */
export async function fit(job: FitJob, hooks: FitHooks, machine: Machine): Promise<FitResult> {
  const objective = objectiveOf(job);
  const start = startState(job.weights.values, job.steps, hooks.resume);
  if (start.microBatches > 1) return fitInParts(job, hooks, objective, machine);
  const { target } = machine;
  const program = trainingProgram(job.graph, job.batchSize, { ...objective, focalGamma: job.focalGamma }, job, target);
  const steps = new WholeSteps(job, objective, program, start);
  try {
    await steps.run(hooks, machine);
  } catch (error) {
    if (!isOutOfMemory(error) || !isSeparable(objective.loss)) throw error;
    return fitInParts(job, { ...hooks, resume: { ...steps.state, microBatches: 2 } }, objective, machine);
  }
  return resultOf(job, objective, steps.state.values, steps.state.lossSum);
}

/** The steps of a job, each one run of the program. */
class WholeSteps {
  readonly #dropout;
  #state: FitState;

  constructor(
    private readonly job: FitJob,
    private readonly objective: Objective,
    private readonly program: DifferentiatingProgram,
    start: FitState,
  ) {
    this.#dropout = dropoutStream(job.seed);
    const { size } = objective.manifest;
    const fresh = Array.from({ length: slotCount(job.optimizer) }, () => new Float32Array(size));
    this.#state = start.slots.length === 0 ? { ...start, slots: fresh } : start;
  }

  /** After the last step that was done. */
  get state(): FitState {
    return this.#state;
  }

  async run(hooks: FitHooks, machine: Machine): Promise<void> {
    const session = await Session.open(this.program, machine);
    try {
      await this.#all(session, hooks);
    } finally {
      await session.close();
    }
  }

  async #all(session: Session, { onProgress, signal, onState, stateEvery = STATE_EVERY }: FitHooks): Promise<void> {
    const { job, objective } = this;
    const samples = new Samples(job, objective.inputShapes);
    for (let step = this.#state.step + 1; step <= job.steps; step++) {
      if (signal?.aborted) throw new Fault('CANCELLED', { step });
      const results = await session.run(this.#feeds(samples.at(step), step));
      const loss = results['loss']![0]!;
      if (!Number.isFinite(loss)) throw new Fault('TRAINING_NOT_FINITE', { step });
      this.#take(results, step, loss);
      onProgress?.({ step, steps: job.steps, loss, microBatches: 1 });
      if (onState && step % stateEvery === 0 && step < job.steps) onState(copyState(this.#state));
      // Lets timers, messages and an abort in; a step takes milliseconds, this takes none.
      await setImmediate();
    }
  }

  #feeds({ images, labels, count }: Batch, step: number): Arrays {
    const { job, objective } = this;
    const { values, slots } = this.#state;
    const numbers = stepNumbers(job, rateAt(job.schedule, job.learningRate, step, job.steps), step);
    this.#dropout.restart(step, 0);
    return {
      images,
      weights: values,
      start: job.weights.values,
      ...(job.correction ? { correction: this.#trainedCorrection(job.correction) } : {}),
      ...targetFeeds(objective, labels, count),
      ...maskFeeds(this.program.dropouts, count, this.#dropout),
      ...Object.fromEntries(slots.map((slot, i) => [`slot${i}`, slot])),
      ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Float32Array.of(value)])),
    };
  }

  #take(results: Arrays, step: number, loss: number): void {
    const { slots, lossSum } = this.#state;
    const values = results['weights_after']!;
    takeStatistics(values, results, this.program, this.objective);
    const after = slots.map((_, i) => results[`slot${i}_after`]!);
    this.#state = { step, values, slots: after, lossSum: lossSum + loss, microBatches: 1 };
  }

  /** A correction moves what is trained and nothing else. */
  #trainedCorrection(correction: Float32Array): Float32Array {
    const { manifest, trainable } = this.objective;
    const masked = correction.slice();
    for (const { name, offset, size } of manifest.tensors) {
      if (!trainable.has(name)) masked.fill(0, offset, offset + size);
    }
    return masked;
  }
}
