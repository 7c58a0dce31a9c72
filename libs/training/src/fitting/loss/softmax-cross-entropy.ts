import { invariant } from '@consilium/stdx';
import { sampleWeight, totalWeight, type Loss } from './loss.js';

/**
 * Weighted cross-entropy of the softmax over the last axis, for classes of a sample or of each of its pixels.
 *
 * l(z, k) = log Σ e^z − z_k; ∂l/∂z_j = softmax(z)_j − [j = k]. PyTorch's CrossEntropyLoss with `weight` divides by the
 * sum of the weights; this divides by the number of values, so that a class keeps its weight in every batch.
 */
export const softmaxCrossEntropy: Loss = (logits, targets, terms) => {
  const { channels, count, classWeights } = terms;
  const gradient = new Float32Array(logits.length);
  const places = logits.length / channels / count;
  const divisor = totalWeight(terms) * places;
  let sum = 0;
  for (let place = 0; place < count * places; place++) {
    const label = targets[place]!;
    invariant(Number.isInteger(label) && label >= 0 && label < channels, 'a class number names an output');
    const weight = (classWeights[label] ?? 1) * sampleWeight(terms, Math.floor(place / places));
    if (weight === 0) continue;
    const row = logits.subarray(place * channels, (place + 1) * channels);
    const largest = row.reduce((max, z) => Math.max(max, z), -Infinity);
    const total = row.reduce((exps, z) => exps + Math.exp(z - largest), 0);
    sum += weight * (Math.log(total) + largest - row[label]!);
    row.forEach((z, j) => {
      const probability = Math.exp(z - largest) / total;
      gradient[place * channels + j] = (weight * (probability - (j === label ? 1 : 0))) / divisor;
    });
  }
  return { loss: sum / divisor, gradient };
};
