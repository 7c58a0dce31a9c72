import { sampleWeight, totalWeight, type Loss } from './loss.js';
import { sigmoid } from './sigmoid.js';

/** Added above and below, so that an empty mask has a loss, and one that is found empty none. */
export const DICE_SMOOTH = 1;

/**
 * Soft Dice loss of sigmoid masks (after Milletari et al. 2016, without the squares, as in MONAI's DiceLoss): for each
 * sample and channel 1 − (2 Σ p·t + s) / (Σ p + Σ t + s) with s = 1, averaged over channels and samples.
 *
 * With N and D above and below the line, ∂l/∂p = (N − 2t·D) / D² and ∂p/∂z = p · (1 − p).
 */
export const dice: Loss = (logits, targets, terms) => {
  const { channels, count } = terms;
  const gradient = new Float32Array(logits.length);
  const outputs = logits.length / count;
  const divisor = totalWeight(terms) * channels;
  let sum = 0;
  for (let mask = 0; mask < count * channels; mask++) {
    const weight = sampleWeight(terms, Math.floor(mask / channels));
    if (weight === 0) continue;
    const first = Math.floor(mask / channels) * outputs + (mask % channels);
    const end = first - (mask % channels) + outputs;
    let above = DICE_SMOOTH;
    let below = DICE_SMOOTH;
    for (let i = first; i < end; i += channels) {
      const p = sigmoid(logits[i]!);
      above += 2 * p * targets[i]!;
      below += p + targets[i]!;
    }
    sum += weight * (1 - above / below);
    for (let i = first; i < end; i += channels) {
      const p = sigmoid(logits[i]!);
      gradient[i] = (weight * (above - 2 * targets[i]! * below) * p * (1 - p)) / (below * below * divisor);
    }
  }
  return { loss: sum / divisor, gradient };
};
