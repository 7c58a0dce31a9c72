/** A batch's loss and what it would change with each logit. */
export interface LossAndGradient {
  readonly loss: number;
  /** ∂loss/∂logit, `[batch]`. */
  readonly gradient: Float32Array;
}

/**
 * Weighted sigmoid cross-entropy of logits, averaged over the batch.
 *
 * l(z, y) = max(z, 0) − z·y + log(1 + e^−|z|), which neither overflows nor loses digits; ∂l/∂z = σ(z) − y.
 *
 * | logit | loss of y = 1 | loss of y = 0 |
 * |---|---|---|
 * | 0 | ln 2 | ln 2 |
 * | ±1000 | 0 or 1000 | 1000 or 0 |
 * | NaN | NaN, which stops the training |  |
 */
export function binaryCrossEntropy(
  logits: Float32Array,
  labels: Uint8Array,
  classWeights: readonly [number, number],
): LossAndGradient {
  const gradient = new Float32Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const z = logits[i]!;
    const y = labels[i]!;
    const weight = classWeights[y]!;
    sum += weight * (Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z))));
    gradient[i] = (weight * (sigmoid(z) - y)) / logits.length;
  }
  return { loss: sum / logits.length, gradient };
}

/** 1 / (1 + e^−z) without overflow on either side. */
export function sigmoid(z: number): number {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const power = Math.exp(z);
  return power / (1 + power);
}
