import { sampleWeight, totalWeight, type Loss } from './loss.js';
import { sigmoid, softplus } from './sigmoid.js';

/** As in the paper. */
export const FOCAL_GAMMA = 2;

/**
 * The focal loss of Lin et al. 2017 (equation 5), which makes easy samples count less: with x the logit towards the true
 * class and p = σ(x), l = −(1 − p)^γ · log p. Its α are the class weights; γ = 0 is binary cross-entropy.
 *
 * ∂l/∂x = (1 − p)^γ · (γ · p · log p + p − 1).
 */
export const focal: Loss = (logits, targets, terms) => {
  const gamma = terms.focalGamma ?? FOCAL_GAMMA;
  const gradient = new Float32Array(logits.length);
  const outputs = logits.length / terms.count;
  const divisor = totalWeight(terms) * outputs;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const y = targets[i]!;
    const weight = terms.classWeights[y]! * sampleWeight(terms, Math.floor(i / outputs));
    if (weight === 0) continue;
    const sign = y === 1 ? 1 : -1;
    const x = sign * logits[i]!;
    const logP = -softplus(-x);
    const hardness = Math.exp(-gamma * softplus(x)); // (1 − p)^γ, without cancellation
    sum -= weight * hardness * logP;
    gradient[i] = (sign * weight * hardness * (gamma * sigmoid(x) * logP - sigmoid(-x))) / divisor;
  }
  return { loss: sum / divisor, gradient };
};
