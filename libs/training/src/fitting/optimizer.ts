import type { Manifest } from '@consilium/weights';

/** How gradients become steps. The defaults are the plan's, not ours. */
export type OptimizerSpec =
  | { readonly type: 'sgd'; readonly momentum: number }
  | { readonly type: 'adam'; readonly beta1: number; readonly beta2: number };

export interface OptimizerTerms {
  readonly learningRate: number;
  /** Decoupled (Loshchilov & Hutter 2019, algorithm 2): shrinks kernels by learningRate · weightDecay each step. */
  readonly weightDecay: number;
}

/** Moves `values` one step against `gradient`; both are laid out by one manifest. */
export type Optimizer = (values: Float32Array, gradient: Float32Array) => void;

/** Adam's guard against division by zero, as in the paper and in PyTorch. */
const EPSILON = 1e-8;

/**
 * An optimiser without history. It works on plain arrays in double precision and rounds once a step, so every engine
 * takes the same step from the same gradient.
 *
 * @param manifest the layout of the arrays; tensors whose gradient is always zero (moving statistics) stay as they are
 */
export function startOptimizer(spec: OptimizerSpec, terms: OptimizerTerms, manifest: Manifest): Optimizer {
  const step = spec.type === 'sgd' ? sgd(spec.momentum, terms, manifest.size) : adam(spec, terms, manifest.size);
  const decay = weightDecay(terms, manifest);
  return (values, gradient) => {
    decay(values);
    step(values, gradient);
  };
}

/** v ← μ·v + g; w ← w − η·v (Sutskever et al. 2013 as PyTorch writes it, without dampening). */
function sgd(momentum: number, { learningRate }: OptimizerTerms, size: number): Optimizer {
  if (momentum === 0) {
    return (values, gradient) => {
      for (let i = 0; i < size; i++) values[i] = values[i]! - learningRate * gradient[i]!;
    };
  }
  const velocity = new Float32Array(size);
  return (values, gradient) => {
    for (let i = 0; i < size; i++) {
      const v = momentum * velocity[i]! + gradient[i]!;
      velocity[i] = v;
      values[i] = values[i]! - learningRate * v;
    }
  };
}

/** Kingma & Ba 2015, algorithm 1, with the bias corrections folded into the rate. */
function adam(
  { beta1, beta2 }: { beta1: number; beta2: number },
  { learningRate }: OptimizerTerms,
  size: number,
): Optimizer {
  const mean = new Float32Array(size);
  const square = new Float32Array(size);
  let steps = 0;
  return (values, gradient) => {
    steps++;
    const rate = learningRate / (1 - beta1 ** steps);
    const correction = 1 / (1 - beta2 ** steps);
    for (let i = 0; i < size; i++) {
      const g = gradient[i]!;
      const m = beta1 * mean[i]! + (1 - beta1) * g;
      const s = beta2 * square[i]! + (1 - beta2) * g * g;
      mean[i] = m;
      square[i] = s;
      values[i] = values[i]! - (rate * m) / (Math.sqrt(s * correction) + EPSILON);
    }
  };
}

function weightDecay(
  { learningRate, weightDecay }: OptimizerTerms,
  manifest: Manifest,
): (values: Float32Array) => void {
  const kept = 1 - learningRate * weightDecay;
  const kernels = kept === 1 ? [] : manifest.tensors.filter(({ name }) => name.endsWith('/kernel'));
  return (values) => {
    for (const { offset, size } of kernels) {
      for (let i = offset; i < offset + size; i++) values[i] = values[i]! * kept;
    }
  };
}
