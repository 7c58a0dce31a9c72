import { createHash } from 'node:crypto';
import { initialise } from '@consilium/model';
import type { Plan } from '@consilium/round';
import type { Digest } from '@consilium/stdx';
import { add, encodeSafetensors, subtract, type Weights } from '@consilium/weights';
import type { DataSource, Progress, Trainer } from './ports.js';
import { protect } from './privacy.js';

export interface BaselineTerms {
  readonly plan: Plan;
  readonly data: DataSource;
  /** Whose shuffling: `pooled`, or a site's name for its local model. */
  readonly label: string;
}

/**
 * What a federation of one would learn: the plan's rounds, each training from the model before as a site does, and the
 * update of one site averaged with nobody. So a local, a pooled and a federated model share the graph, the initial
 * weights, the preprocessing, the learning rates and the number of steps, and differ in whose images they saw.
 */
export async function trainBaseline(
  { plan, data, label }: BaselineTerms,
  trainer: Pick<Trainer, 'train'>,
  signal: AbortSignal,
  onProgress: (round: number, progress: Progress) => void = () => {},
): Promise<Weights> {
  let model = initialise(plan.model, plan.seed);
  for (let round = 1; round <= plan.rounds.count; round++) {
    const training = { data, dataDigest: null, plan, round, label, weights: model };
    const trained = await trainer.train(training, signal, (progress) => onProgress(round, progress));
    model = add(model, protect(subtract(trained.weights, model), plan.privacy));
  }
  return model;
}

/** The name of a model: SHA-256 of its safetensors bytes. */
export const modelDigestOf = (weights: Weights): Digest =>
  createHash('sha256').update(encodeSafetensors(weights)).digest('hex') as Digest;
