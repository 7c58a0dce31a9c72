import type { SiteEvent } from '@consilium/ledger';
import { Fault, type Code, type Digest, type RunId } from '@consilium/stdx';

/** What this site's log says of one run: digests only, the terms themselves are documents. */
export interface RunRecord {
  readonly run: RunId;
  readonly planDigest: Digest;
  /** The signed plan and the roster that vouched for its signers; null for an offer that was refused unread. */
  readonly offered: { readonly envelope: Digest; readonly roster: Digest } | null;
  readonly decision: Decision | null;
  /** The data that the approval was given for: their digest, and the document with their exact counts. */
  readonly dataset: { readonly digest: Digest; readonly document: Digest } | null;
  /** The site took its approval back, for good. */
  readonly withdrawn: boolean;
  readonly ended: 'finished' | 'failed' | 'cancelled' | null;
}

type Suspender = Extract<SiteEvent, { type: 'plan.suspended' }>['by'];
type EventOf<Type extends SiteEvent['type']> = Extract<SiteEvent, { type: Type }>;

export type Decision =
  | { readonly approved: true; readonly by: EventOf<'plan.approved'>['by']; readonly envelope: Digest }
  | { readonly approved: false; readonly by: EventOf<'plan.rejected'>['by']; readonly code: Code };

/** A run that this site approved, that goes on, and that nobody here has stopped. */
export type ApprovedRecord = RunRecord & {
  readonly decision: Extract<Decision, { approved: true }>;
  readonly dataset: NonNullable<RunRecord['dataset']>;
};

/**
 * Everything the agent remembers of runs, derived from its log and from nothing else: the same function reads the
 * entries of yesterday at start and follows those of today, so that a restart cannot remember anything differently.
 */
export class Runs {
  readonly #runs = new Map<RunId, RunRecord>();
  /** Plan → who has suspended it. Each of them takes back what is their own. */
  readonly #suspended = new Map<Digest, Set<Suspender>>();

  find(run: RunId): RunRecord | undefined {
    return this.#runs.get(run);
  }

  all(): readonly RunRecord[] {
    return [...this.#runs.values()];
  }

  isSuspended(planDigest: Digest): boolean {
    return this.suspendedBy(planDigest).size > 0;
  }

  suspendedBy(planDigest: Digest): ReadonlySet<Suspender> {
    return this.#suspended.get(planDigest) ?? new Set();
  }

  /**
   * The run, or why the site does nothing for it: PLAN_NOT_APPROVED, PLAN_REJECTED, PLAN_WITHDRAWN, PLAN_SUSPENDED,
   * RUN_TRANSITION_REFUSED. One approval, one run: it holds for exactly this plan in exactly this run.
   */
  approved(run: RunId, planDigest: Digest): ApprovedRecord {
    const record = this.#runs.get(run);
    if (record?.ended) throw new Fault('RUN_TRANSITION_REFUSED', { run });
    if (!record?.decision || record.planDigest !== planDigest) throw new Fault('PLAN_NOT_APPROVED', { run });
    const { decision, dataset } = record;
    if (!decision.approved) throw new Fault('PLAN_REJECTED', { run });
    if (record.withdrawn) throw new Fault('PLAN_WITHDRAWN', { run });
    if (this.isSuspended(planDigest)) throw new Fault('PLAN_SUSPENDED', { run });
    if (!dataset) throw new Fault('PLAN_NOT_APPROVED', { run });
    return { ...record, decision, dataset };
  }

  follow(event: SiteEvent): void {
    switch (event.type) {
      case 'plan.offered': {
        const { run, plan, envelope, roster } = event;
        if (!this.#runs.has(run)) this.#runs.set(run, { ...fresh(run, plan), offered: { envelope, roster } });
        return;
      }
      case 'dataset.loaded': {
        const { run, dataset: digest, document } = event;
        // Data that are looked into after the approval are not those that it was given for.
        return this.#change(run, (known) => (known.decision ? known : { ...known, dataset: { digest, document } }));
      }
      case 'plan.approved': {
        const { run, plan, by, envelope } = event;
        return this.#change(run, (known) =>
          known.planDigest === plan && !known.decision
            ? { ...known, decision: { approved: true, by, envelope } }
            : known,
        );
      }
      case 'plan.rejected': {
        const { run, plan, by, code } = event;
        // An offer that was rejected before it could be read has no record yet.
        const known = this.#runs.get(run) ?? fresh(run, plan);
        if (!known.decision) this.#runs.set(run, { ...known, decision: { approved: false, by, code } });
        return;
      }
      case 'plan.withdrawn':
        return this.#change(event.run, (known) => ({ ...known, withdrawn: true }));
      case 'plan.suspended':
        this.#suspended.set(event.plan, new Set([...this.suspendedBy(event.plan), event.by]));
        return;
      case 'plan.resumed':
        this.#suspended.get(event.plan)?.delete(event.by);
        return;
      case 'shard.opened':
        // In a restore from an old copy a withdrawal may be among what was lost: no run of before goes on.
        if (event.reason === 'restore') for (const run of this.#runs.keys()) this.#change(run, givenUp);
        return;
      case 'run.ended':
        return this.#change(event.run, (known) => ({ ...known, ended: known.ended ?? event.outcome }));
      default: // the other entries change nothing that is remembered of runs
    }
  }

  #change(run: RunId, change: (known: RunRecord) => RunRecord): void {
    const known = this.#runs.get(run);
    if (known) this.#runs.set(run, change(known));
  }
}

const givenUp = (known: RunRecord): RunRecord => (known.ended ? known : { ...known, withdrawn: true });

const fresh = (run: RunId, planDigest: Digest): RunRecord => ({
  run,
  planDigest,
  offered: null,
  decision: null,
  dataset: null,
  withdrawn: false,
  ended: null,
});
