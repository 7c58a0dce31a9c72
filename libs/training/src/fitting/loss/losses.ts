import { invariant } from '@consilium/stdx';
import { binaryCrossEntropy } from './binary-cross-entropy.js';
import { coxPartialLikelihood } from './cox-partial-likelihood.js';
import { dice } from './dice.js';
import { focal } from './focal.js';
import type { Loss, LossName } from './loss.js';
import { meanSquaredError } from './mean-squared-error.js';
import { softmaxCrossEntropy } from './softmax-cross-entropy.js';

/** What a job that names no loss is trained on. */
export const DEFAULT_LOSS: LossName = 'binary-cross-entropy';

/** Every loss by its name. */
export const LOSSES: Readonly<Record<LossName, Loss>> = {
  'binary-cross-entropy': binaryCrossEntropy,
  'softmax-cross-entropy': softmaxCrossEntropy,
  focal,
  dice,
  'mean-squared-error': meanSquaredError,
  'cox-partial-likelihood': coxPartialLikelihood,
};

/** Whether the loss of a batch is a sum over its samples, so that it can be taken part by part; Cox's risk sets cannot. */
export const isSeparable = (loss: LossName): boolean => loss !== 'cox-partial-likelihood';

/** Whether targets are class numbers, which classes can be weighted by. */
export const hasClasses = (loss: LossName): boolean =>
  loss === 'binary-cross-entropy' || loss === 'focal' || loss === 'softmax-cross-entropy';

/** How many targets a sample has, by the shape of the model's output for one sample. */
export function targetsOf(loss: LossName, output: readonly number[]): number {
  const outputs = output.reduce((product, length) => product * length, 1);
  if (loss === 'softmax-cross-entropy') return outputs / output.at(-1)!;
  if (loss !== 'cox-partial-likelihood') return outputs;
  invariant(outputs === 1, 'Cox takes a model of one output, the log risk');
  return 2;
}
