import { invariant } from '@consilium/stdx';
import type { Manifest } from '@consilium/weights';

/**
 * How gradients become steps. The defaults are the plan's, not ours. Weight decay is decoupled, so `adam` with decay is
 * AdamW.
 */
export type OptimizerSpec =
  | { readonly type: 'sgd'; readonly momentum: number }
  | { readonly type: 'adam'; readonly beta1: number; readonly beta2: number };

/** What an optimiser remembers between steps, each laid out by the manifest: velocity, or mean and mean square. */
export type Slots = readonly Float32Array[];

export interface Optimizer {
  readonly slots: Slots;
  /** Moves `values` against `gradient`; both are laid out by the manifest. `step` counts from 1. */
  step(values: Float32Array, gradient: Float32Array, at: { readonly step: number; readonly rate: number }): void;
}

/** Adam's guard against division by zero, as in the paper and in PyTorch. */
export const ADAM_EPSILON = 1e-8;

/** Which tensors weight decay shrinks: what multiplies its input, and never a bias, a norm's scale or a statistic. */
export const decays = (tensor: string): boolean => /(^|[/_])kernel$/.test(tensor);

export interface OptimizerTerms {
  /** Decoupled (Loshchilov & Hutter 2019, algorithm 2): shrinks kernels by rate · weightDecay each step. */
  readonly weightDecay: number;
  /** The names of the tensors that are trained. */
  readonly trainable: ReadonlySet<string>;
}

/**
 * An optimiser without history, or with that of `resumed`, which it takes as its own. It works on plain arrays in
 * double precision and rounds once a step, so every engine takes the same step from the same gradient.
 *
 * @param manifest the layout of the arrays; tensors whose gradient is always zero (moving statistics) stay as they are
 */
export function startOptimizer(
  spec: OptimizerSpec,
  { weightDecay, trainable }: OptimizerTerms,
  manifest: Manifest,
  resumed?: Slots,
): Optimizer {
  const slots = resumed ?? Array.from({ length: slotCount(spec) }, () => new Float32Array(manifest.size));
  invariant(
    slots.length === slotCount(spec) && slots.every((slot) => slot.length === manifest.size),
    'an optimiser goes on with its own slots',
  );
  const kernels = manifest.tensors.filter(({ name }) => weightDecay > 0 && trainable.has(name) && decays(name));
  return {
    slots,
    step(values, gradient, { step, rate }) {
      const kept = 1 - rate * weightDecay;
      for (const { offset, size } of kernels) {
        for (let i = offset; i < offset + size; i++) values[i] = values[i]! * kept;
      }
      if (spec.type === 'sgd') sgd(values, gradient, rate, spec.momentum, slots);
      else adam(values, gradient, rate, spec, slots, step);
    },
  };
}

/** How many arrays an optimiser remembers. */
export const slotCount = (spec: OptimizerSpec): number => (spec.type === 'adam' ? 2 : spec.momentum === 0 ? 0 : 1);

/** v ← μ·v + g; w ← w − η·v (Sutskever et al. 2013 as PyTorch writes it, without dampening). */
function sgd(values: Float32Array, gradient: Float32Array, rate: number, momentum: number, [velocity]: Slots): void {
  for (let i = 0; i < values.length; i++) {
    let v = gradient[i]!;
    if (velocity) velocity[i] = v = momentum * velocity[i]! + v;
    values[i] = values[i]! - rate * v;
  }
}

/** Kingma & Ba 2015, algorithm 1, with the bias corrections folded into the rate. */
function adam(
  values: Float32Array,
  gradient: Float32Array,
  learningRate: number,
  { beta1, beta2 }: { readonly beta1: number; readonly beta2: number },
  slots: Slots,
  step: number,
): void {
  const [mean, square] = slots as [Float32Array, Float32Array];
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / (1 - beta2 ** step);
  for (let i = 0; i < values.length; i++) {
    const g = gradient[i]!;
    const m = beta1 * mean[i]! + (1 - beta1) * g;
    const s = beta2 * square[i]! + (1 - beta2) * g * g;
    mean[i] = m;
    square[i] = s;
    values[i] = values[i]! - (rate * m) / (Math.sqrt(s * correction) + ADAM_EPSILON);
  }
}
