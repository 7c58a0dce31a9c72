import type { Loss, LossTerms, Targets } from './loss.js';

/** Far enough for float64 sums over float32 logits, near enough for the loss to be straight. */
const STEP = 1 / 1024;

/** The largest distance between a loss's gradient and central differences of its own values. */
export function gradientDistance(loss: Loss, logits: Float32Array, targets: Targets, terms: LossTerms): number {
  const { gradient } = loss(logits, targets, terms);
  const at = (i: number, by: number): number => {
    const moved = logits.slice();
    moved[i] = moved[i]! + by;
    return loss(moved, targets, terms).loss;
  };
  return logits.reduce((worst, _, i) => {
    const difference = (at(i, STEP) - at(i, -STEP)) / (2 * STEP);
    return Math.max(worst, Math.abs(difference - gradient[i]!));
  }, 0);
}

/** Logits that float32 holds together with both their neighbours. */
export const onGrid = (values: readonly number[]): Float32Array =>
  Float32Array.from(values, (value) => Math.round(value * 256) / 256);
