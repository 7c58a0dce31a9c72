import { setImmediate } from 'node:timers/promises';
import { Fault } from '@consilium/stdx';
import type { Manifest } from '@consilium/weights';
import { withoutDropout } from '../fitting/dropout.js';
import { resultOf, STATE_EVERY } from '../fitting/fit-loop.js';
import { startState, type FitState } from '../fitting/fit-state.js';
import { FOCAL_GAMMA } from '../fitting/loss/focal.js';
import { isSeparable } from '../fitting/loss/losses.js';
import { objectiveOf, type Objective } from '../fitting/objective.js';
import { decays, slotCount } from '../fitting/optimizer.js';
import { rateAt } from '../fitting/rate-schedule.js';
import { Samples, type Batch } from '../fitting/samples.js';
import type { FitHooks, FitJob, FitResult, GradientJob, GradientResult } from '../job.js';
import { dropoutMasks } from './dropout-masks.js';
import type { Message } from './frames.js';
import type { TorchProgram } from './program.js';
import { openGraph } from './open-graph.js';

/**
 * See {@link Engine.fit}. The optimiser is the program's, beside the weights; samples, rates and dropout's masks are
 * ours. The next batch is on its way while the program takes a step.
 */
export async function fit(program: TorchProgram, job: FitJob, hooks: FitHooks): Promise<FitResult> {
  const { onProgress, signal, resume, onState, stateEvery = STATE_EVERY } = hooks;
  const objective = objectiveOf(job);
  const start = startState(job.weights.values, job.steps, resume);
  await begin(program, job, objective, start);
  const send = senderOf(program, job, objective);
  let { lossSum } = start;
  let coming = start.step < job.steps ? send(start.step + 1) : undefined;
  for (let step = start.step + 1; step <= job.steps; step++) {
    if (signal?.aborted) throw new Fault('CANCELLED', { step });
    const answer = coming!;
    const keep = onState !== undefined && step % stateEvery === 0;
    // A state is that of this step, so the next one waits for it.
    if (step < job.steps && !keep) coming = send(step + 1);
    const { loss, microBatches } = readStep(await answer);
    if (loss === null) throw new Fault('TRAINING_NOT_FINITE', { step });
    lossSum += loss;
    onProgress?.({ step, steps: job.steps, loss, microBatches });
    if (step < job.steps && keep) {
      onState({ step, ...(await stateOf(program, { step })), lossSum, microBatches });
      coming = send(step + 1);
    }
    await setImmediate();
  }
  const { values } = await stateOf(program, { step: job.steps });
  return resultOf(job, objective, values, lossSum);
}

/** See {@link Engine.gradient}. */
export async function gradient(program: TorchProgram, job: GradientJob): Promise<GradientResult> {
  const objective = objectiveOf(job);
  await openGraph(program, withoutDropout(job.graph), objective, job.weights.values);
  const header = { ...lossHeader(job, objective), count: job.count, masks: [] };
  const arrays = { images: job.images, labels: Float32Array.from(job.labels) };
  const answer = await program.ask('gradient', { header, arrays });
  const { loss } = answer.header;
  return { loss: typeof loss === 'number' ? loss : NaN, gradient: answer.arrays['gradient'] as Float32Array };
}

async function begin(program: TorchProgram, job: FitJob, objective: Objective, start: FitState): Promise<void> {
  const { manifest } = objective;
  await openGraph(program, job.graph, objective, start.values, job.frozen);
  const header = {
    optimizer: job.optimizer,
    slots: slotCount(job.optimizer),
    clipNorm: job.clipNorm ?? null,
    proximal: job.proximal ?? 0,
    microBatches: start.microBatches,
  };
  const slots = Object.fromEntries(start.slots.map((slot, i) => [`slot${i}`, slot]));
  const arrays = {
    start: job.weights.values,
    ...(job.correction && { correction: job.correction }),
    ...(job.weightDecay > 0 && { decay: decayOf(manifest, job.weightDecay) }),
    ...slots,
  };
  await program.ask('fit', { header, arrays });
}

/** How much each value decays, laid out by the manifest. */
function decayOf({ tensors, size: values }: Manifest, weightDecay: number): Float32Array {
  const decay = new Float32Array(values);
  for (const { name, offset, size } of tensors) if (decays(name)) decay.fill(weightDecay, offset, offset + size);
  return decay;
}

/** Sends the batch of a step; the promise is that of the program's answer. */
function senderOf(program: TorchProgram, job: FitJob, objective: Objective): (step: number) => Promise<Message> {
  const samples = new Samples(job, objective.inputShapes);
  const masksOf = dropoutMasks(job.graph, job.batchSize, job.seed);
  const common = lossHeader(job, objective);
  return (step) => {
    const { images, labels, count }: Batch = samples.at(step);
    const masks = masksOf(step);
    const rate = rateAt(job.schedule, job.learningRate, step, job.steps);
    const header = { ...common, count, step, rate, masks: masks.map(([name]) => name) };
    const arrays = {
      images,
      labels: Float32Array.from(labels),
      ...Object.fromEntries(masks.map(([name, mask]) => [`mask:${name}`, mask])),
    };
    const answer = program.ask('step', { header, arrays }, { step });
    // Whoever stopped waiting, by an abort or a fault before it, does not want to hear of this one.
    answer.catch(() => undefined);
    return answer;
  };
}

function lossHeader(job: GradientJob, { loss, classWeights, outputShape }: Objective): Record<string, unknown> {
  const { focalGamma = FOCAL_GAMMA } = job;
  return { loss, focalGamma, classWeights, channels: outputShape.at(-1)!, separable: isSeparable(loss) };
}

function readStep({ header: { loss, microBatches } }: Message): { loss: number | null; microBatches: number } {
  return { loss: typeof loss === 'number' ? loss : null, microBatches: Number(microBatches) };
}

async function stateOf(program: TorchProgram, facts: { step: number }): Promise<Pick<FitState, 'values' | 'slots'>> {
  const { arrays } = await program.ask('state', {}, facts);
  const { values, ...slots } = arrays as Record<string, Float32Array>;
  return {
    values: values!,
    slots: Object.keys(slots)
      .sort()
      .map((name) => slots[name]!),
  };
}
