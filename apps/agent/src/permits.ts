import type { Approval } from '@consilium/identity';
import type { DatasetManifest } from '@consilium/dataset';
import { parsePlan, requireInForce, requireSignedTerms, type SignedPlan } from '@consilium/round';
import { Fault, fromUtf8, type Clock, type Digest, type RunId } from '@consilium/stdx';
import type { Approvals } from './approvals.js';
import type { ApprovedRecord } from './ledger/runs.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import type { Rosters } from './rosters.js';

/** A run that this site may work on now, with the terms that it approved and the data that it approved them for. */
export interface Permit {
  readonly run: RunId;
  readonly planDigest: Digest;
  readonly plan: SignedPlan;
  readonly dataset: DatasetManifest;
  readonly approval: Approval;
}

export interface PermitPorts {
  readonly ledger: Pick<SiteLedger, 'runs' | 'documents'>;
  readonly rosters: Pick<Rosters, 'current'>;
  readonly approvals: Pick<Approvals, 'open'>;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Whether the site may work, asked before each round, each evaluation and each message that says something of the data.
 * An approval is not a door that stays open: it ends with its date, with the ethics approval, with the keys of the
 * sites that the plan was signed with, and at any time by this site's own word.
 */
export class Permits {
  /** What was read of the documents that a run's entries name; documents do not change. */
  readonly #read = new Map<string, Permit>();

  constructor(private readonly ports: PermitPorts) {}

  /**
   * Throws PLAN_NOT_APPROVED, PLAN_REJECTED, PLAN_WITHDRAWN, PLAN_SUSPENDED, RUN_TRANSITION_REFUSED (of what this site
   * decided), APPROVAL_EXPIRED, ETHICS_EXPIRED, ROSTER_CHANGED or JURISDICTION_REFUSED (of what has changed since).
   */
  async require(run: RunId, planDigest: Digest): Promise<Permit> {
    const { ledger, rosters, clock } = this.ports;
    const permit = await this.#permitOf(ledger.runs.approved(run, planDigest));
    const now = clock.now();
    requireInForce(permit.plan, rosters.current, now);
    if (permit.approval.expiresMs <= now) throw new Fault('APPROVAL_EXPIRED', { run });
    // While the documents were read, somebody may have withdrawn.
    ledger.runs.approved(run, planDigest);
    return permit;
  }

  async #permitOf({ run, planDigest, decision, dataset }: ApprovedRecord): Promise<Permit> {
    const name = [run, planDigest, decision.envelope, dataset.document].join(' ');
    const known = this.#read.get(name);
    if (known) return known;
    const { ledger, approvals } = this.ports;
    const approval = approvals.open(await ledger.documents.get(decision.envelope));
    // The log binds this document to this run already; what was signed must say the same.
    if (approval.run !== run || approval.plan !== planDigest || approval.dataset !== dataset.digest) {
      throw new Fault('PLAN_NOT_APPROVED', { run });
    }
    const plan = requireSignedTerms(readPlan(await ledger.documents.get(planDigest)));
    const manifest = readManifest(await ledger.documents.get(dataset.document));
    const permit = { run, planDigest, plan, dataset: manifest, approval };
    this.#read.set(name, permit);
    const [oldest] = this.#read.keys();
    if (this.#read.size > REMEMBERED_MAX) this.#read.delete(oldest!);
    return permit;
  }
}

/** More runs than are worked on at one time; an older one is read again. */
const REMEMBERED_MAX = 32;

/** A plan that was parsed before it was kept; only another release can find it unreadable. */
export function readPlan(bytes: Uint8Array): ReturnType<typeof parsePlan> {
  try {
    return parsePlan(JSON.parse(fromUtf8(bytes)));
  } catch (error) {
    throw new Fault('STATE_UNREADABLE', { what: 'a plan' }, error);
  }
}

/** The exact counts, which stay at this site; its own document, verified by its digest. */
const readManifest = (bytes: Uint8Array): DatasetManifest => JSON.parse(fromUtf8(bytes)) as DatasetManifest;
