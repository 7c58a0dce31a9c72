import type { Estimate } from './estimate.js';
import { meanOf } from './mean.js';

/**
 * The overlap of two masks, 2 · |A ∩ B| / (|A| + |B|) (Dice 1945; Sørensen 1948), in [0, 1]. Two empty masks agree: 1.
 *
 * @param mask 1 inside and 0 outside
 * @param probabilities in [0, 1]; from 0.5 on they count as inside
 */
export function diceScore(mask: Uint8Array | Float32Array, probabilities: Float32Array): number {
  let both = 0;
  let sizes = 0;
  mask.forEach((inside, i) => {
    const found = probabilities[i]! >= 0.5;
    if (inside === 1 && found) both++;
    sizes += (inside === 1 ? 1 : 0) + (found ? 1 : 0);
  });
  return sizes === 0 ? 1 : (2 * both) / sizes;
}

/**
 * The mean Dice score of `count` samples, each measured by itself, with its normal interval.
 *
 * @param masks `[count, values]`
 * @param probabilities `[count, values]`
 */
export function meanDice(
  masks: Uint8Array | Float32Array,
  probabilities: Float32Array,
  count: number,
): Estimate | null {
  const size = masks.length / Math.max(1, count);
  const scores = Float64Array.from({ length: count }, (_, i) =>
    diceScore(masks.subarray(i * size, (i + 1) * size), probabilities.subarray(i * size, (i + 1) * size)),
  );
  return meanOf(scores, 0, 1);
}
