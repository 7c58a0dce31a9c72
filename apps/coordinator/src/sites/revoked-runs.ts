import type { SiteName } from '@consilium/stdx';
import type { Conductor } from '../runs/conductor.js';

/**
 * Takes a site out of every run under way, as if it had withdrawn: a round does not wait for it, and what it has sent in
 * this round does not count. A run that needs it ends.
 */
export async function dropFromRuns(conductor: Pick<Conductor, 'all'>, site: SiteName): Promise<void> {
  for (const active of conductor.all()) {
    if (!active.terms.plan.sites.includes(site)) continue;
    await active.feed({ of: 'run', event: { type: 'plan-withdrawn', site } });
  }
}
