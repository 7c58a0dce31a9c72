import { parsePlan, planDigest, type Plan } from '@consilium/round';
import {
  digestOf,
  Fault,
  fromUtf8,
  type Clock,
  type Code,
  type Digest,
  type RunId,
  type SiteName,
} from '@consilium/stdx';
import type { Decision, Runs } from './runs.js';
import type { PlanOffer } from './offers.js';
import { imageSpecOf, type Trainer } from './ports.js';

/** The site's own rules: which plans it takes part in, and who says so. */
export interface ConsentTerms {
  readonly site: SiteName;
  readonly federation: string;
  /** `auto` approves every plan that passes the checks; `manual` waits for the operator. */
  readonly approve: 'auto' | 'manual';
  /** Study → folder. A study that is not here is not taken part in. */
  readonly datasets: Readonly<Record<string, string>>;
}

/** A plan that waits for a person. */
export interface Pending {
  readonly run: RunId;
  readonly planDigest: Digest;
  readonly plan: Plan;
  readonly offeredMs: number;
}

export interface ConsentPorts {
  readonly runs: Runs;
  readonly trainer: Pick<Trainer, 'load'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Tells the coordinator. What cannot be told now is asked again when the next session opens. */
  answer(run: RunId, planDigest: Digest, decision: Decision): Promise<void>;
}

/** Offers that may wait for a person at one time; one more is answered OVERLOADED. */
const PENDING_MAX = 32;

/**
 * Reads an offered plan and recomputes its digest, so that what is approved is what was read. Throws PLAN_INVALID,
 * PLAN_NOT_SUPPORTED, GRAPH_INVALID, PLAN_DIGEST_MISMATCH, SITE_NOT_IN_PLAN or DATA_NOT_CONFIGURED.
 */
export function reviewPlan(offer: PlanOffer, terms: ConsentTerms): Plan {
  const plan = parsePlan(readJson(offer.planJson));
  if (digestOf(offer.planJson) !== offer.planDigest || planDigest(plan) !== offer.planDigest) {
    throw new Fault('PLAN_DIGEST_MISMATCH');
  }
  if (plan.federation !== terms.federation) {
    throw new Fault('PLAN_INVALID', { path: 'federation', expected: 'the federation of this site' });
  }
  if (!plan.sites.includes(terms.site)) throw new Fault('SITE_NOT_IN_PLAN', { sites: plan.sites.length });
  if (!Object.hasOwn(terms.datasets, plan.study)) throw new Fault('DATA_NOT_CONFIGURED');
  return plan;
}

/**
 * One approval, one run: a decision is taken once, written to the journal, and only then told. After a restart, or
 * when the same run is offered again, the journal's decision is repeated and nobody is asked twice.
 */
export class Consent {
  readonly #pending = new Map<RunId, Pending>();
  readonly #deciding = new Set<RunId>();

  constructor(
    private readonly terms: ConsentTerms,
    private readonly ports: ConsentPorts,
  ) {}

  async offered(offer: PlanOffer): Promise<void> {
    const { runs, answer } = this.ports;
    const known = runs.find(offer.run);
    if (known && known.planDigest !== offer.planDigest) {
      return answer(offer.run, offer.planDigest, { approved: false, by: 'agent', code: 'PLAN_DIGEST_MISMATCH' });
    }
    if (known?.ended) return;
    if (known?.decision) return answer(offer.run, offer.planDigest, known.decision);
    if (this.#pending.has(offer.run) || this.#deciding.has(offer.run)) return;

    let plan: Plan;
    try {
      plan = reviewPlan(offer, this.terms);
      if (this.#pending.size >= PENDING_MAX) throw new Fault('OVERLOADED', { pendingMax: PENDING_MAX });
    } catch (error) {
      if (!Fault.is(error)) throw error;
      const { code } = error;
      await this.#settle(offer.run, () => this.#reject(offer.run, offer.planDigest, 'agent', code));
      return;
    }
    const pending = { run: offer.run, planDigest: offer.planDigest, plan, offeredMs: this.ports.clock.now() };
    this.#pending.set(offer.run, pending);
    if (!known)
      await runs.write({ type: 'plan.offered', run: offer.run, planDigest: offer.planDigest, plan: { ...plan } });
    if (this.terms.approve === 'auto') await this.#approve(pending, 'auto');
  }

  pending(): readonly Pending[] {
    return [...this.#pending.values()];
  }

  /** The operator approves the waiting plan of this digest (or run). NOT_FOUND, or REQUEST_INVALID when several wait. */
  async approve(reference: string): Promise<Decision> {
    return this.#approve(this.#waiting(reference), 'operator');
  }

  async reject(reference: string): Promise<Decision> {
    const { run, planDigest } = this.#waiting(reference);
    return this.#settle(run, () => this.#reject(run, planDigest, 'operator', 'PLAN_REJECTED'));
  }

  /** The run is over: nobody needs to decide any more. */
  ended(run: RunId): void {
    this.#pending.delete(run);
  }

  #waiting(reference: string): Pending {
    const found = this.pending().filter(({ run, planDigest }) => run === reference || planDigest === reference);
    if (found.length > 1)
      throw new Fault('REQUEST_INVALID', { field: 'digest', expected: 'a run id', waiting: found.length });
    if (!found[0]) throw new Fault('NOT_FOUND', { what: 'a plan that waits for approval' });
    return found[0];
  }

  /** The data are read before the approval is given: a site does not agree to what it cannot do. */
  #approve({ run, planDigest, plan }: Pending, by: 'auto' | 'operator'): Promise<Decision> {
    return this.#settle(run, async () => {
      try {
        const folder = this.terms.datasets[plan.study]!;
        const { format, digest, train, test } = await this.ports.trainer.load(
          { folders: [folder], spec: imageSpecOf(plan) },
          ['train', 'test'],
        );
        await this.ports.runs.write({ type: 'dataset.loaded', run, digest, format, train, test });
      } catch (error) {
        // When the agent is stopping, the plan stays undecided and is offered again.
        if (!Fault.is(error) || error.code === 'CANCELLED') throw error;
        return this.#reject(run, planDigest, 'agent', error.code);
      }
      await this.ports.runs.write({ type: 'plan.approved', run, planDigest, by });
      await this.ports.answer(run, planDigest, { approved: true, by });
      return { approved: true, by };
    });
  }

  async #reject(run: RunId, planDigest: Digest, by: 'agent' | 'operator', code: Code): Promise<Decision> {
    const decision = { approved: false, by, code } as const;
    await this.ports.runs.write({ type: 'plan.rejected', run, planDigest, by, code });
    await this.ports.answer(run, planDigest, decision);
    return decision;
  }

  /** While one decision is being taken, the plan is no longer there for a second one. */
  async #settle(run: RunId, decide: () => Promise<Decision>): Promise<Decision> {
    this.#pending.delete(run);
    this.#deciding.add(run);
    try {
      return await decide();
    } finally {
      this.#deciding.delete(run);
    }
  }
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (error) {
    throw new Fault('PLAN_UNREADABLE', {}, error);
  }
}
