import { Z_95, type Estimate } from './estimate.js';

/**
 * A proportion with the Wilson score interval (Wilson 1927), which stays inside [0, 1] and keeps its coverage for few
 * trials and for proportions near 0 and 1, where the textbook interval fails. No trials: null.
 */
export function wilson(successes: number, trials: number): Estimate | null {
  if (trials === 0) return null;
  const p = successes / trials;
  const z2 = Z_95 * Z_95;
  const centre = (p + z2 / (2 * trials)) / (1 + z2 / trials);
  const half = (Z_95 * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials * trials))) / (1 + z2 / trials);
  // At 0 and 1 the bound is exact; rounding must not push it past the value.
  const low = successes === 0 ? 0 : centre - half;
  const high = successes === trials ? 1 : centre + half;
  return { value: p, low, high };
}
