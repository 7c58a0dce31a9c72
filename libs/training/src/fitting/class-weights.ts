import { invariant } from '@consilium/stdx';
import type { Targets } from './loss/loss.js';

/** `balanced`: all classes have the same share of the loss, whatever their numbers. */
export type ClassWeighting = 'none' | 'balanced';

/**
 * How much a target of each class counts in the loss, by class number. Balanced weights are count / (present · count of
 * the class), `present` being the number of classes that occur, so their mean over the targets is 1 and the learning
 * rate keeps its meaning.
 *
 * | targets | weights |
 * |---|---|
 * | several classes | count / (present · count of class); 1 for a class that does not occur |
 * | one class only, or none | 1 each: nothing can be balanced |
 */
export function classWeightsOf(weighting: ClassWeighting, targets: Targets, classes = 2): readonly number[] {
  if (weighting === 'none') return new Array<number>(classes).fill(1);
  const counts = new Array<number>(classes).fill(0);
  targets.forEach((label) => {
    invariant(
      Number.isInteger(label) && label >= 0 && label < classes,
      'a class number is below the number of classes',
    );
    counts[label]!++;
  });
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 1 : targets.length / (present * count)));
}
