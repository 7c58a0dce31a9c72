import { parsePlan, type Plan } from '@consilium/round';
import { Fault, type Code, type Digest, type RunId } from '@consilium/stdx';
import type { Entry, JournalRecord } from './journal/entry.js';
import type { Journal } from './journal/journal.js';

/** What this site knows of one run. */
export interface RunRecord {
  readonly run: RunId;
  readonly planDigest: Digest;
  /** The terms, as long as they matter: an ended or rejected run keeps only its digest. */
  readonly plan: Plan | null;
  readonly decision: Decision | null;
  /** The data that the approval was given with. */
  readonly dataset: Extract<JournalRecord, { type: 'dataset.loaded' }> | null;
  readonly ended: 'finished' | 'failed' | 'cancelled' | null;
}

export type Decision =
  | { readonly approved: true; readonly by: 'auto' | 'operator' }
  | { readonly approved: false; readonly by: 'agent' | 'operator'; readonly code: Code };

/** A run that this site approved and that goes on. */
export type ApprovedRun = RunRecord & { readonly plan: Plan; readonly dataset: NonNullable<RunRecord['dataset']> };

/**
 * Everything the agent remembers of runs, derived from its journal and from nothing else: the same function reads the
 * entries of yesterday at start and follows those of today, so that a restart cannot remember anything differently.
 */
export class Runs {
  readonly #runs = new Map<RunId, RunRecord>();

  constructor(
    private readonly journal: Journal,
    past: readonly Entry[] = [],
  ) {
    for (const entry of past) this.#follow(entry);
  }

  /** Writes to the journal, then remembers. The only way to change what is remembered. */
  async write(record: JournalRecord): Promise<void> {
    this.#follow(await this.journal.append(record));
  }

  find(run: RunId): RunRecord | undefined {
    return this.#runs.get(run);
  }

  /** The run's terms, or why the site does nothing for it: PLAN_NOT_APPROVED, PLAN_REJECTED, RUN_TRANSITION_REFUSED. */
  approved(run: RunId, planDigest: Digest): ApprovedRun {
    const record = this.#runs.get(run);
    if (record?.ended) throw new Fault('RUN_TRANSITION_REFUSED', { run });
    if (!record || record.planDigest !== planDigest || !record.decision) throw new Fault('PLAN_NOT_APPROVED', { run });
    if (!record.decision.approved) throw new Fault('PLAN_REJECTED', { run });
    const { plan, dataset } = record;
    if (!plan || !dataset) throw new Fault('PLAN_NOT_APPROVED', { run });
    return { ...record, plan, dataset };
  }

  all(): readonly RunRecord[] {
    return [...this.#runs.values()];
  }

  #follow(entry: JournalRecord): void {
    const known = 'run' in entry && entry.run ? this.#runs.get(entry.run) : undefined;
    switch (entry.type) {
      case 'plan.offered':
        if (!known) this.#put({ ...fresh(entry.run, entry.planDigest), plan: readPlan(entry.plan) });
        return;
      case 'plan.approved':
        if (known) this.#put({ ...known, decision: { approved: true, by: entry.by } });
        return;
      case 'plan.rejected':
        // An offer that was rejected before it could be read has no record yet.
        this.#put({
          ...(known ?? fresh(entry.run, entry.planDigest)),
          plan: null,
          decision: { approved: false, by: entry.by, code: entry.code },
        });
        return;
      case 'dataset.loaded':
        if (known) this.#put({ ...known, dataset: entry });
        return;
      case 'run.ended':
        if (known) this.#put({ ...known, plan: null, ended: entry.outcome });
        return;
      default: // the other entries are told to people, and change no decision
    }
  }

  #put(record: RunRecord): void {
    this.#runs.set(record.run, record);
  }
}

const fresh = (run: RunId, planDigest: Digest): RunRecord => ({
  run,
  planDigest,
  plan: null,
  decision: null,
  dataset: null,
  ended: null,
});

function readPlan(value: unknown): Plan {
  try {
    return parsePlan(value);
  } catch (error) {
    throw new Fault('STATE_UNREADABLE', { what: 'a plan in the journal' }, error);
  }
}
