import { invariant } from '@consilium/stdx';
import type { Plan } from './plan.js';

/** What a cosine schedule ends at, as a share of where it starts. */
const COSINE_FLOOR = 0.1;

/**
 * The learning rate of a round, counted from 1. `cosine` (Loshchilov and Hutter 2017, equation 5, without restarts)
 * falls from the plan's value in the first round to a tenth of it in the last; a single round uses the value itself.
 */
export function learningRateAt(plan: Pick<Plan, 'training' | 'rounds'>, round: number): number {
  const { optimizer, schedule } = plan.training;
  const { count } = plan.rounds;
  invariant(Number.isInteger(round) && round >= 1 && round <= count, 'a round is counted from 1 to the plan’s count');
  if (schedule === 'constant' || count === 1) return optimizer.learningRate;
  const falling = (1 + Math.cos((Math.PI * (round - 1)) / (count - 1))) / 2;
  return optimizer.learningRate * (COSINE_FLOOR + (1 - COSINE_FLOOR) * falling);
}
