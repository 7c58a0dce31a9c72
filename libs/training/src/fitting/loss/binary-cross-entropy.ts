import { sampleWeight, totalWeight, type Loss } from './loss.js';
import { sigmoid, softplus } from './sigmoid.js';

/**
 * Weighted sigmoid cross-entropy of logits, for one class or for each of several labels or pixels.
 *
 * l(z, y) = softplus(z) − z·y; ∂l/∂z = σ(z) − y. PyTorch's BCEWithLogitsLoss with `weight` set to each value's class
 * weight, which divides by the number of values, not by the sum of weights.
 *
 * | logit | loss of y = 1 | loss of y = 0 |
 * |---|---|---|
 * | 0 | ln 2 | ln 2 |
 * | ±1000 | 0 or 1000 | 1000 or 0 |
 * | NaN | NaN, which stops the training |  |
 */
export const binaryCrossEntropy: Loss = (logits, targets, terms) => {
  const gradient = new Float32Array(logits.length);
  const outputs = logits.length / terms.count;
  const divisor = totalWeight(terms) * outputs;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const z = logits[i]!;
    const y = targets[i]!;
    const weight = terms.classWeights[y]! * sampleWeight(terms, Math.floor(i / outputs));
    if (weight === 0) continue;
    sum += weight * (softplus(z) - z * y);
    gradient[i] = (weight * (sigmoid(z) - y)) / divisor;
  }
  return { loss: sum / divisor, gradient };
};
