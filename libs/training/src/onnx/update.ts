import { ADAM_EPSILON, decays, slotCount, type OptimizerSpec } from '../fitting/optimizer.js';
import type { FitJob } from '../job.js';
import type { Tape } from './tape.js';

/** What decides how a gradient becomes a step. */
export type UpdateTerms = Pick<FitJob, 'optimizer' | 'weightDecay' | 'clipNorm' | 'proximal' | 'correction'>;

/**
 * Emits what `shapeGradient` and `startOptimizer` do, in float32 and over all tensors at once, as the flat vectors that
 * they are: outputs `weights_after` and `slot0_after`, `slot1_after`. Fed with each step: `rate` (for Adam the rate with
 * its bias correction, and `correction2` of the mean square), `decay` = rate · weightDecay; with each job `start` and
 * `correction`.
 */
export function emitUpdate(tape: Tape, lossGradient: string, terms: UpdateTerms): void {
  const { graph } = tape;
  const { size } = tape.terms.manifest;
  const gradient = shapedGradient(tape, lossGradient, terms);
  const weights = terms.weightDecay > 0 ? decayed(tape) : 'weights';
  const { step, slots } = STEPS[terms.optimizer.type](tape, gradient, terms.optimizer);
  graph.output('weights_after', graph.op('Sub', [weights, step]), [size]);
  slots.forEach((slot, i) => graph.output(`slot${i}_after`, slot, [size]));
}

function shapedGradient(tape: Tape, lossGradient: string, { clipNorm, proximal = 0, correction }: UpdateTerms): string {
  const { graph } = tape;
  const { size } = tape.terms.manifest;
  let gradient = lossGradient;
  if (clipNorm !== undefined) {
    const norm = graph.op('ReduceL2', [gradient], { keepdims: 0 });
    const factor = graph.op('Min', [graph.number(1), graph.op('Div', [graph.number(clipNorm), norm])]);
    gradient = graph.op('Mul', [gradient, factor]);
  }
  if (proximal !== 0) {
    // What is not trained stays where it started, so nothing pulls it.
    const away = graph.op('Sub', ['weights', graph.input('start', [size])]);
    gradient = graph.op('Add', [gradient, graph.scale(away, proximal)]);
  }
  return correction ? graph.op('Add', [gradient, graph.input('correction', [size])]) : gradient;
}

/** Kernels that are trained, shrunk by rate · weightDecay. */
function decayed(tape: Tape): string {
  const { graph } = tape;
  const { manifest, trainable } = tape.terms;
  const mask = new Float32Array(manifest.size);
  for (const { name, offset, size } of manifest.tensors) {
    if (trainable.has(name) && decays(name)) mask.fill(1, offset, offset + size);
  }
  const by = graph.op('Mul', [graph.constant(mask, [manifest.size]), graph.input('decay', [])]);
  return graph.op('Sub', ['weights', graph.op('Mul', ['weights', by])]);
}

interface Step {
  readonly step: string;
  readonly slots: readonly string[];
}

type Steps = { [Type in OptimizerSpec['type']]: (tape: Tape, gradient: string, spec: OptimizerSpec) => Step };

const STEPS: Steps = {
  sgd: (tape, gradient, spec) => {
    const { graph } = tape;
    const rate = graph.input('rate', []);
    const slots = slotInputs(tape, spec);
    if (slots.length === 0) return { step: graph.op('Mul', [gradient, rate]), slots };
    const { momentum } = spec as OptimizerSpec & { type: 'sgd' };
    const velocity = graph.op('Add', [graph.scale(slots[0]!, momentum), gradient]);
    return { step: graph.op('Mul', [velocity, rate]), slots: [velocity] };
  },
  adam: (tape, gradient, spec) => {
    const { graph } = tape;
    const { beta1, beta2 } = spec as OptimizerSpec & { type: 'adam' };
    const [rate, correction] = [graph.input('rate', []), graph.input('correction2', [])];
    const [mean, square] = slotInputs(tape, spec) as [string, string];
    const blend = (before: string, now: string, beta: number): string =>
      graph.op('Add', [graph.scale(before, beta), graph.scale(now, 1 - beta)]);
    const m = blend(mean, gradient, beta1);
    const s = blend(square, graph.op('Mul', [gradient, gradient]), beta2);
    const root = graph.op('Sqrt', [graph.op('Mul', [s, correction])]);
    const step = graph.op('Div', [graph.op('Mul', [m, rate]), graph.op('Add', [root, graph.number(ADAM_EPSILON)])]);
    return { step, slots: [m, s] };
  },
};

const slotInputs = ({ graph, terms }: Tape, spec: OptimizerSpec): string[] =>
  Array.from({ length: slotCount(spec) }, (_, i) => graph.input(`slot${i}`, [terms.manifest.size]));

/** The numbers that a step feeds, of those that {@link emitUpdate} asks for; `step` counts from 1. */
export function stepNumbers(
  { optimizer, weightDecay }: UpdateTerms,
  rate: number,
  step: number,
): Record<string, number> {
  const decay: Record<string, number> = weightDecay > 0 ? { decay: rate * weightDecay } : {};
  if (optimizer.type === 'sgd') return { rate, ...decay };
  const { beta1, beta2 } = optimizer;
  return { rate: rate / (1 - beta1 ** step), correction2: 1 / (1 - beta2 ** step), ...decay };
}
