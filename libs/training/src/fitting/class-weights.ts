/** `balanced`: both classes have the same share of the loss, whatever their numbers. */
export type ClassWeighting = 'none' | 'balanced';

/**
 * How much a sample of class 0 and of class 1 counts in the loss. Balanced weights are count / (2 · count of the class),
 * so their mean over the samples is 1 and the learning rate keeps its meaning.
 *
 * | samples | weights |
 * |---|---|
 * | both classes | count / (2 · count of class) |
 * | one class only, or none | 1, 1: nothing can be balanced |
 */
export function classWeightsOf(weighting: ClassWeighting, labels: Uint8Array): readonly [number, number] {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  const negatives = labels.length - positives;
  if (weighting === 'none' || positives === 0 || negatives === 0) return [1, 1];
  return [labels.length / (2 * negatives), labels.length / (2 * positives)];
}
