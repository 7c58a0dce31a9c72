import { ethicsEndMs, requireInForce, type SignedPlan } from '@consilium/round';
import { canonicalJson, digestOf, Fault, utf8, type Clock, type Code, type Digest, type RunId } from '@consilium/stdx';
import { bucketOf } from '@consilium/ledger';
import type { DatasetManifest } from '@consilium/dataset';
import type { ApprovalDraft, Approvals, Granted } from './approvals.js';
import { isFatal } from './fatal.js';
import type { Decision } from './ledger/runs.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import type { PlanOffer } from './offers.js';
import { imageSpecOf, type Trainer } from './ports.js';
import { reviewPlan, type ReviewTerms } from './review.js';
import type { Rosters } from './rosters.js';

/** A plan that passed the site's checks and waits for its people. */
export interface Pending {
  readonly run: RunId;
  readonly planDigest: Digest;
  readonly plan: SignedPlan;
  readonly offeredMs: number;
  /** What there is to sign, once the data have been read; the exact counts beside it never leave. */
  readonly prepared: { readonly draft: ApprovalDraft; readonly dataset: DatasetManifest } | null;
}

export interface ConsentPorts {
  readonly ledger: SiteLedger;
  readonly rosters: Rosters;
  readonly approvals: Approvals;
  readonly trainer: Pick<Trainer, 'load'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Tells the coordinator. What cannot be told now is asked again when the next session opens. */
  answer(run: RunId, planDigest: Digest, decision: Decision): Promise<void>;
  /** Tells the coordinator that the site takes its approval back, and stops what is being done for the run. */
  withdrawn(run: RunId, planDigest: Digest): Promise<void>;
}

type By = Extract<Decision, { approved: false }>['by'];

/** Offers that may wait for a person at one time; one more is answered OVERLOADED. */
const PENDING_MAX = 32;

/**
 * One approval, one run: a decision is taken once, written to the log, and only then told. After a restart, or when the
 * same run is offered again, the log's decision is repeated and nobody is asked twice. An approval is given for data
 * that were read before: their digest stands in what is signed.
 */
export class Consent {
  readonly #pending = new Map<RunId, Pending>();
  /** Runs that something is being done about at this moment. */
  readonly #busy = new Set<RunId>();

  constructor(
    private readonly terms: ReviewTerms,
    private readonly ports: ConsentPorts,
  ) {}

  async offered(offer: PlanOffer): Promise<void> {
    const { ledger, answer, withdrawn } = this.ports;
    const { run, planDigest } = offer;
    const known = ledger.runs.find(run);
    if (known && known.planDigest !== planDigest) {
      return answer(run, planDigest, { approved: false, by: 'agent', code: 'PLAN_DIGEST_MISMATCH' });
    }
    if (known?.ended) return;
    if (known?.withdrawn) return withdrawn(run, planDigest);
    if (known?.decision) return answer(run, planDigest, known.decision);
    if (this.#pending.has(run) || this.#busy.has(run)) return;
    await this.#while(run, () => this.#consider(offer));
  }

  pending(): readonly Pending[] {
    return [...this.#pending.values()];
  }

  /**
   * Reads the data of a waiting plan, so that people see for what they sign; as often as they look. The draft stays the
   * same as long as the data do. Throws NOT_FOUND, REQUEST_INVALID when several wait with this plan, the dataset's
   * Fault, or DATA_CONTRACT_UNMET.
   */
  async prepare(reference: string): Promise<Pending> {
    const { run } = this.#waiting(reference);
    return this.#while(run, () => this.#prepare(run));
  }

  /** One person's signature on the waiting plan's draft. Null while others have yet to sign. */
  async sign(reference: string, document: Uint8Array): Promise<Decision | null> {
    const { run } = this.#waiting(reference);
    return this.#while(run, async () => {
      const { prepared } = this.#waiting(run);
      if (!prepared) throw new Fault('REQUEST_INVALID', { field: 'draft', expected: 'a plan that was shown before' });
      const granted = await this.ports.approvals.signed(prepared.draft, document);
      return granted && this.#grant(run, granted);
    });
  }

  async reject(reference: string, by: By = 'operator'): Promise<Decision> {
    const { run, planDigest } = this.#waiting(reference);
    return this.#while(run, () => this.#reject(run, planDigest, by, 'PLAN_REJECTED'));
  }

  /** Takes an approval back, for good: no further round of this run. NOT_FOUND unless it was approved and goes on. */
  async withdraw(run: RunId, by: By): Promise<void> {
    const { ledger, withdrawn } = this.ports;
    const known = ledger.runs.find(run);
    if (!known?.decision?.approved || known.ended)
      throw new Fault('NOT_FOUND', { what: 'an approved run that goes on' });
    if (!known.withdrawn) await ledger.write({ type: 'plan.withdrawn', run, plan: known.planDigest, by });
    await withdrawn(run, known.planDigest);
  }

  /** Stops all work on a plan at once, until `resume`; the coordinator learns of it when it next asks for a round. */
  async suspend(plan: Digest, by: By): Promise<void> {
    await this.ports.ledger.write({ type: 'plan.suspended', plan, by });
  }

  /** Takes back a suspension of the same person's; another's goes on. */
  async resume(plan: Digest, by: By): Promise<void> {
    await this.ports.ledger.write({ type: 'plan.resumed', plan, by });
    await this.reconsider();
  }

  /** Something has changed by which the agent may say yes by itself to what waits. */
  async reconsider(): Promise<void> {
    for (const pending of this.pending()) {
      const { run } = pending;
      if (this.#pending.has(run) && !this.#busy.has(run)) await this.#while(run, () => this.#unlessAsked(pending));
    }
  }

  /** The run is over: nobody needs to decide any more. */
  ended(run: RunId): void {
    this.#pending.delete(run);
  }

  async #consider(offer: PlanOffer): Promise<void> {
    const { clock } = this.ports;
    const { run, planDigest } = offer;
    let plan: SignedPlan;
    try {
      if (this.#pending.size >= PENDING_MAX) throw new Fault('OVERLOADED', { pendingMax: PENDING_MAX });
      plan = await this.#review(offer);
    } catch (error) {
      if (!Fault.is(error) || isOfTheDisk(error)) throw error;
      await this.#reject(run, planDigest, 'agent', error.code);
      return;
    }
    const pending = { run, planDigest, plan, offeredMs: clock.now(), prepared: null };
    this.#pending.set(run, pending);
    await this.#unlessAsked(pending);
  }

  /** Accepts the roster, reviews the plan by it, and keeps the documents that the entry names. */
  async #review(offer: PlanOffer): Promise<SignedPlan> {
    const { ledger, rosters, clock } = this.ports;
    const { run, planDigest, planJson, planEnvelope } = offer;
    const roster = await rosters.accept(offer.roster);
    const plan = reviewPlan(offer, this.terms, roster, clock.now());
    await ledger.documents.put(planJson);
    const envelope = await ledger.documents.put(planEnvelope);
    if (!ledger.runs.find(run)) {
      await ledger.write({ type: 'plan.offered', run, plan: planDigest, envelope, roster: roster.digest });
    }
    return plan;
  }

  /** Decides where no person needs to be asked, and leaves the plan to people otherwise. */
  async #unlessAsked({ run, planDigest, plan }: Pending): Promise<void> {
    const { approvals, ledger } = this.ports;
    const mayAct = (await approvals.mayActAlone(plan)) && !ledger.runs.isSuspended(planDigest);
    if (mayAct && this.#pending.has(run)) await this.#decideAlone(run, plan);
  }

  async #decideAlone(run: RunId, plan: SignedPlan): Promise<void> {
    const { approvals } = this.ports;
    try {
      const { prepared } = await this.#prepare(run);
      const granted = prepared && (await approvals.alone(prepared.draft, plan));
      if (granted) await this.#grant(run, granted);
    } catch (error) {
      // When the agent is stopping, the plan stays undecided and is offered again.
      if (!Fault.is(error) || error.code === 'CANCELLED' || isOfTheDisk(error)) throw error;
      const { planDigest } = this.#waiting(run);
      await this.#reject(run, planDigest, 'agent', error.code);
    }
  }

  /** The data are read before the approval is given: a site does not agree to what it cannot do. */
  async #prepare(run: RunId): Promise<Pending> {
    const { trainer, ledger, clock } = this.ports;
    const { plan, planDigest, prepared: before } = this.#waiting(run);
    const data = { folders: [this.terms.datasets[plan.study]!], spec: imageSpecOf(plan) };
    const dataset = await trainer.load(data, ['train', 'test']);
    requireContract(dataset, plan);
    const pending = this.#waiting(run);
    if (before?.draft.dataset === dataset.digest) return pending;
    const document = await ledger.documents.put(utf8(canonicalJson(dataset)));
    const { digest, format, train, test } = dataset;
    const buckets = { train: bucketOf(train.examples), test: bucketOf(test.examples) };
    await ledger.write({ type: 'dataset.loaded', run, dataset: digest, document, format, ...buckets });
    const draft: ApprovalDraft = {
      schema: 'consilium.approval/1',
      federation: plan.federation,
      study: plan.study,
      plan: planDigest,
      run,
      site: this.terms.site,
      dataset: digest,
      expiresMs: ethicsEndMs(plan.governance),
      atMs: clock.now(),
    };
    const prepared = { ...pending, prepared: { draft, dataset } };
    this.#pending.set(run, prepared);
    return prepared;
  }

  async #grant(run: RunId, { by, envelope: document }: Granted): Promise<Decision> {
    const { ledger, rosters, clock, answer } = this.ports;
    const { planDigest, plan } = this.#waiting(run);
    // People may take days; what changed meanwhile counts.
    requireInForce(plan, rosters.current, clock.now());
    await ledger.documents.put(document);
    const envelope = digestOf(document);
    await ledger.write({ type: 'plan.approved', run, plan: planDigest, by, envelope });
    this.#pending.delete(run);
    const decision: Decision = { approved: true, by, envelope };
    await answer(run, planDigest, decision);
    return decision;
  }

  async #reject(run: RunId, plan: Digest, by: By, code: Code): Promise<Decision> {
    await this.ports.ledger.write({ type: 'plan.rejected', run, plan, by, code });
    this.#pending.delete(run);
    const decision: Decision = { approved: false, by, code };
    await this.ports.answer(run, plan, decision);
    return decision;
  }

  #waiting(reference: string): Pending {
    const found = this.pending().filter(({ run, planDigest }) => run === reference || planDigest === reference);
    if (found.length > 1)
      throw new Fault('REQUEST_INVALID', { field: 'digest', expected: 'a run id', waiting: found.length });
    if (!found[0]) throw new Fault('NOT_FOUND', { what: 'a plan that waits for approval' });
    return found[0];
  }

  /** While something is being done about a run, nothing else is: a plan is decided once. */
  async #while<T>(run: RunId, work: () => Promise<T>): Promise<T> {
    if (this.#busy.has(run)) throw new Fault('OVERLOADED', { run });
    this.#busy.add(run);
    try {
      return await work();
    } finally {
      this.#busy.delete(run);
    }
  }
}

/** What the study's data contract asks and counts can tell. Modality and de-identification are the hospital's word. */
function requireContract({ train, test }: DatasetManifest, { governance }: SignedPlan): void {
  const { minPatients } = governance.dataContract;
  if (train.patients + test.patients < minPatients) throw new Fault('DATA_CONTRACT_UNMET', { minPatients });
}

/** A disk that is full or broken says nothing of the plan, which stays undecided. */
const isOfTheDisk = (fault: Fault): boolean => fault.code === 'DISK_FULL' || isFatal(fault);
