import { invariant } from '@consilium/stdx';
import { auc } from './auc.js';
import type { Estimate } from './estimate.js';
import { meanOf } from './mean.js';
import { wilson } from './wilson.js';

/** How well probabilities fit labels; null where a measure is undefined, as the AUC of a single class. */
export interface Metrics {
  /** Mean log loss in nats, unweighted. */
  readonly loss: Estimate | null;
  readonly auc: Estimate | null;
  /** At a threshold of 0.5, as are sensitivity and specificity; a probability of exactly 0.5 counts as positive. */
  readonly accuracy: Estimate | null;
  readonly sensitivity: Estimate | null;
  readonly specificity: Estimate | null;
  /** Mean squared error of the probability (Brier 1950), in [0, 1], lower is better. */
  readonly brier: Estimate | null;
  readonly examples: number;
}

/** Probabilities are kept so far from 0 and 1 in the log loss: half a step of float32 below 1, where its sigmoid saturates. */
const CERTAINTY = 2 ** -25;

/**
 * Measures probabilities of the positive class against labels, each with a 95 % interval: DeLong for the AUC, Wilson's
 * score for proportions, the normal approximation for means.
 *
 * @param labels `[n]`, 1 for positive and 0 for negative
 * @param probabilities `[n]`, in [0, 1]
 */
export function measure(labels: Uint8Array, probabilities: Float32Array): Metrics {
  invariant(labels.length === probabilities.length, 'there is one probability for each label');
  invariant(
    probabilities.every((p) => p >= 0 && p <= 1),
    'probabilities are numbers in [0, 1]',
  );

  let truePositives = 0;
  let trueNegatives = 0;
  let positives = 0;
  const logLosses = new Float64Array(labels.length);
  const squaredErrors = new Float64Array(labels.length);
  labels.forEach((label, i) => {
    const p = probabilities[i]!;
    positives += label;
    if (label === 1 && p >= 0.5) truePositives++;
    if (label === 0 && p < 0.5) trueNegatives++;
    logLosses[i] = -Math.log(Math.max(CERTAINTY, label === 1 ? p : 1 - p));
    squaredErrors[i] = (p - label) ** 2;
  });

  return {
    loss: meanOf(logLosses, 0, Infinity),
    auc: auc(labels, probabilities),
    accuracy: wilson(truePositives + trueNegatives, labels.length),
    sensitivity: wilson(truePositives, positives),
    specificity: wilson(trueNegatives, labels.length - positives),
    brier: meanOf(squaredErrors, 0, 1),
    examples: labels.length,
  };
}
