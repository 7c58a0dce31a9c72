import { bootstrap, type BootstrapOptions } from './bootstrap.js';
import type { Estimate } from './estimate.js';

/**
 * Harrell's concordance index (Harrell et al. 1982): of all pairs of which it is known who had the event first, the share
 * in which that one has the higher risk, equal risks counting half. ½ is chance.
 *
 * A pair can be compared where the earlier time is an event; at the same time, where just one of the two is an event,
 * who then counts as the earlier.
 *
 * @param targets `[n, 2]`: time, then 1 for an event or 0 for a censored time
 * @param risks `[n]`
 * @returns null where no pair can be compared
 */
export function concordance(targets: Float32Array, risks: Float32Array, samples?: Uint32Array): number | null {
  const chosen = samples ?? Uint32Array.from(risks, (_, i) => i);
  let pairs = 0;
  let concordant = 0;
  for (const i of chosen) {
    if (targets[2 * i + 1] !== 1) continue;
    for (const j of chosen) {
      const later = targets[2 * j]! > targets[2 * i]!;
      const censoredThen = targets[2 * j] === targets[2 * i] && targets[2 * j + 1] !== 1;
      if (!later && !censoredThen) continue;
      pairs++;
      concordant += risks[i]! > risks[j]! ? 1 : risks[i] === risks[j] ? 0.5 : 0;
    }
  }
  return pairs === 0 ? null : concordant / pairs;
}

/** {@link concordance} with a bootstrap interval. */
export const concordanceEstimate = (
  targets: Float32Array,
  risks: Float32Array,
  options: BootstrapOptions,
): Estimate | null => bootstrap(risks.length, (samples) => concordance(targets, risks, samples), options);
