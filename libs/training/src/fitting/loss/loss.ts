/**
 * What a model is trained to make small. `outputs` is how many values the model gives for a sample, and `channels` the
 * last axis of its output; a sample's loss is the mean over its outputs, the batch's the mean over its samples.
 *
 * | loss | model's output | targets |
 * |---|---|---|
 * | `binary-cross-entropy`, `focal` | logits | `[count, outputs]`, each 0 or 1 |
 * | `softmax-cross-entropy` | logits of the classes on the last axis | `[count, outputs / channels]`, class numbers from 0 |
 * | `dice` | logits of masks | `[count, outputs]`, each 0 or 1 |
 * | `mean-squared-error` | values | `[count, outputs]` |
 * | `cox-partial-likelihood` | one log risk | `[count, 2]`: time, then 1 for an event or 0 for a censored time |
 */
export type LossName =
  'binary-cross-entropy' | 'softmax-cross-entropy' | 'focal' | 'dice' | 'mean-squared-error' | 'cox-partial-likelihood';

export type Targets = Float32Array | Uint8Array;

/** What a loss needs to know beside logits and targets. */
export interface LossTerms {
  readonly count: number;
  readonly channels: number;
  /** By class number: how much a value of that class counts. Losses without classes take no notice. */
  readonly classWeights: readonly number[];
  /** `[count]`: how much each sample counts, 0 for one that only fills the batch. Left away: 1 each. */
  readonly sampleWeights?: Float32Array;
  /** What the sum is divided by, where these samples are a part of a batch; see `totalOf`. */
  readonly total?: number;
  /** Of the focal loss. */
  readonly focalGamma?: number;
}

/** A batch's loss and what it would change with each logit. */
export interface LossAndGradient {
  readonly loss: number;
  /** ∂loss/∂logit, laid out as the logits. */
  readonly gradient: Float32Array;
}

/** Pure; sums in float64. A logit that is NaN makes the loss NaN, which stops the training. */
export type Loss = (logits: Float32Array, targets: Targets, terms: LossTerms) => LossAndGradient;

/** How much sample `i` counts. */
export const sampleWeight = ({ sampleWeights }: LossTerms, i: number): number => sampleWeights?.[i] ?? 1;

/** What a sum over samples is divided by: the sum of their weights. */
export const totalWeight = ({ count, sampleWeights, total }: LossTerms): number =>
  total ?? sampleWeights?.reduce((sum, weight) => sum + weight, 0) ?? count;
