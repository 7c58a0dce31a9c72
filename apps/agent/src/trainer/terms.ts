import { learningRateAt, type Plan } from '@consilium/round';
import type { FitTerms } from './protocol.js';

/**
 * What a plan says of one site's training in one round. The random stream is named by the plan's seed, the round and
 * whose training it is, and not by the attempt, so that a repeated round gives the same bits.
 */
export function fitTerms(plan: Plan, round: number, label: string): FitTerms {
  const { optimizer, batchSize, localSteps, weightDecay, classWeights, augmentation } = plan.training;
  const { loss, focalGamma, roundSchedule: schedule, clipNorm, proximal, frozen } = plan.training;
  return {
    graph: plan.model,
    loss,
    focalGamma,
    optimizer,
    learningRate: learningRateAt(plan, round),
    schedule,
    batchSize,
    steps: localSteps,
    weightDecay,
    clipNorm,
    proximal,
    frozen,
    classWeights,
    augmentation,
    seed: [plan.seed, round, label],
  };
}
