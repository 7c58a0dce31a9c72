import type { Digest } from '@consilium/stdx';
import type { Guard } from '../guard.js';
import { isFatal } from '../fatal.js';
import type { Runs } from '../ledger/runs.js';
import type { Log } from '../log.js';
import type { Worklist } from '../worklist.js';

export interface HaltPorts {
  readonly runs: Pick<Runs, 'all'>;
  readonly worklist: Pick<Worklist, 'current' | 'cancel'>;
  readonly guard: Pick<Guard, 'send'>;
  readonly log: Log;
}

/** Stops what is being done for a suspended plan at this moment, and tells the coordinator not to wait for it. */
export async function halt(plan: Digest, { runs, worklist, guard, log }: HaltPorts): Promise<void> {
  const { current } = worklist;
  for (const { run, planDigest } of runs.all()) if (planDigest === plan) worklist.cancel(run);
  if (current?.kind !== 'round' || current.planDigest !== plan) return;
  const { run, round, attempt } = current;
  try {
    await guard.send({ kind: 'round-refusal', run, round, attempt, code: 'PLAN_SUSPENDED' });
  } catch (error) {
    if (isFatal(error)) throw error;
    log.warn({ run, err: error }, 'the coordinator learns of the suspension with its next offer');
  }
}
