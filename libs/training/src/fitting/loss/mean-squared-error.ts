import { sampleWeight, totalWeight, type Loss } from './loss.js';

/** l = (z − t)², averaged over the outputs; ∂l/∂z = 2 · (z − t). */
export const meanSquaredError: Loss = (logits, targets, terms) => {
  const gradient = new Float32Array(logits.length);
  const outputs = logits.length / terms.count;
  const divisor = totalWeight(terms) * outputs;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const weight = sampleWeight(terms, Math.floor(i / outputs));
    if (weight === 0) continue;
    const error = logits[i]! - targets[i]!;
    sum += weight * error * error;
    gradient[i] = (2 * weight * error) / divisor;
  }
  return { loss: sum / divisor, gradient };
};
