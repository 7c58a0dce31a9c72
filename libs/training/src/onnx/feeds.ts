import { sizeOf } from '@consilium/model';
import type { SeededRandom } from '@consilium/stdx';
import { hasClasses } from '../fitting/loss/losses.js';
import type { Targets } from '../fitting/loss/loss.js';
import type { Objective } from '../fitting/objective.js';
import type { DropoutMask } from './compile.js';
import { maskName } from './layers/dropout.js';
import type { Arrays } from './session.js';

/**
 * The targets of a batch, and how much each counts: its class's weight over the number of values.
 *
 * @param count the samples that the loss is the mean of
 */
export function targetFeeds(
  { loss, classWeights, outputs, outputShape }: Objective,
  labels: Targets,
  count: number,
): Arrays {
  const targets = Float32Array.from(labels);
  const places = loss === 'softmax-cross-entropy' ? outputs / outputShape.at(-1)! : outputs;
  const share = 1 / (count * places);
  const shares = hasClasses(loss)
    ? Float32Array.from(labels, (label) => share * (classWeights[label] ?? 1))
    : new Float32Array(labels.length).fill(share);
  return { targets, shares };
}

/** Dropout's masks of a batch, drawn in the order of the layers. */
export function maskFeeds(
  dropouts: readonly DropoutMask[],
  count: number,
  random: Pick<SeededRandom, 'uniform'>,
): Arrays {
  const masks = dropouts.map(({ layer, rate, shape }) => {
    const kept = 1 / (1 - rate);
    const mask = Float32Array.from({ length: count * sizeOf(shape) }, () => (random.uniform() < rate ? 0 : kept));
    return [maskName(layer), mask] as const;
  });
  return Object.fromEntries(masks);
}
