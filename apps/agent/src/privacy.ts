import type { Plan } from '@consilium/round';
import { unreachable } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';

/**
 * What a plan's privacy mode does to an update before it leaves the site.
 *
 * `plain`: nothing. Guarantee: none beyond the images staying here. The coordinator reads the update, and an update
 * can reveal images it was computed from (Zhu et al. 2019, “Deep Leakage from Gradients”; Geiping et al. 2020).
 * The approval text says so. Other modes are refused when the plan is read.
 */
export function protect(update: Weights, privacy: Plan['privacy']): Weights {
  switch (privacy.mode) {
    case 'plain':
      return update;
    default:
      return unreachable(privacy.mode);
  }
}
