import type { DatasetManifest } from '@consilium/dataset';
import { decodePublicKey, encodePublicKey, openEnvelope, openRoster } from '@consilium/identity';
import { canonicalJson, Fault, fromUtf8, type Digest } from '@consilium/stdx';
import type { Approvals } from '../approvals.js';
import type { Consent, Pending } from '../consent.js';
import type { PlanPage, Replies, RunStatus } from '../control/replies.js';
import { isFatal } from '../fatal.js';
import type { RunRecord } from '../ledger/runs.js';
import type { SiteLedger } from '../ledger/site-ledger.js';
import { readPlan } from '../permits.js';
import { isRole } from './roles.js';

export interface PlanPagePorts {
  readonly ledger: Pick<SiteLedger, 'runs' | 'documents'>;
  readonly consent: Pick<Consent, 'pending' | 'prepare'>;
  readonly approvals: Pick<Approvals, 'soFar'>;
  readonly rootPem: string;
}

type Data = Pick<PlanPage, 'dataset' | 'problem' | 'draft' | 'signed' | 'missing'>;
const NO_DATA: Data = { dataset: null, problem: null, draft: null, signed: null, missing: [] };

/** The plans that were offered to this site, as its people look at them. */
export class PlanPages {
  constructor(private readonly ports: PlanPagePorts) {}

  /** Every plan whose terms this site has read, oldest first. */
  async list(): Promise<Replies['plans']> {
    const { ledger } = this.ports;
    const plans: Replies['plans']['plans'] = [];
    for (const record of this.#read()) {
      const { study, title } = readPlan(await ledger.documents.get(record.planDigest));
      plans.push({ ...this.statusOf(record), study, title });
    }
    return { plans };
  }

  /** One of them. `read`: where it waits, its data are looked into, so that there is something to sign. */
  async page(reference: string, read: boolean): Promise<PlanPage> {
    const record = this.find(reference);
    const bytes = await this.ports.ledger.documents.get(record.planDigest);
    return {
      ...this.statusOf(record),
      plan: fromUtf8(bytes),
      signers: await this.#signersOf(record),
      ...(await this.#dataOf(record, read)),
      approvedBefore: await this.#approvedBefore(record, readPlan(bytes).study),
    };
  }

  /** A plan's canonical JSON. NOT_FOUND for one that was never offered here. */
  async terms(plan: Digest): Promise<Replies['terms']> {
    if (!this.#read().some(({ planDigest }) => planDigest === plan)) throw notFound();
    return { plan: fromUtf8(await this.ports.ledger.documents.get(plan)) };
  }

  /** The run of this id, or of the plan with this digest: one that waits, or else the newest. NOT_FOUND. */
  find(reference: string): RunRecord {
    const found = this.#read().filter(({ run, planDigest }) => run === reference || planDigest === reference);
    const waiting = found.filter(({ run }) => this.#pending(run));
    if (waiting.length > 1) {
      throw new Fault('REQUEST_INVALID', { field: 'digest', expected: 'a run id', waiting: waiting.length });
    }
    const record = waiting[0] ?? found.at(-1);
    if (!record) throw notFound();
    return record;
  }

  statusOf({ run, planDigest, decision, withdrawn, ended }: RunRecord): RunStatus {
    return {
      run,
      planDigest,
      decision: withdrawn ? 'withdrawn' : !decision ? 'waiting' : decision.approved ? 'approved' : 'rejected',
      code: decision && !decision.approved ? decision.code : null,
      suspended: [...this.ports.ledger.runs.suspendedBy(planDigest)].filter(isRole),
      ended,
    };
  }

  /** Offers that could not be read have no terms to show. */
  #read(): RunRecord[] {
    return this.ports.ledger.runs.all().filter(({ offered }) => offered !== null);
  }

  #pending(run: RunRecord['run']): Pending | undefined {
    return this.ports.consent.pending().find((pending) => pending.run === run);
  }

  async #signersOf({ offered }: RunRecord): Promise<PlanPage['signers']> {
    const { ledger, rootPem } = this.ports;
    if (!offered) return [];
    const { people } = openRoster(await ledger.documents.get(offered.roster), rootPem);
    const any = people.map(({ signing }) => decodePublicKey(signing));
    const { signers } = openEnvelope(await ledger.documents.get(offered.envelope), 'plan', { any });
    const signed = new Set(signers.map(encodePublicKey));
    return people
      .filter(({ signing }) => signed.has(signing))
      .map(({ person, roles, signing }) => ({ person, roles, signing }));
  }

  async #dataOf({ run, dataset }: RunRecord, read: boolean): Promise<Data> {
    const { ledger, consent, approvals } = this.ports;
    if (!this.#pending(run) || !read) {
      if (!dataset) return NO_DATA;
      const bytes = await ledger.documents.get(dataset.document);
      return { ...NO_DATA, dataset: countsOf(JSON.parse(fromUtf8(bytes)) as DatasetManifest) };
    }
    try {
      const { prepared } = await consent.prepare(run);
      if (!prepared) return NO_DATA;
      const { document, missing } = approvals.soFar(prepared.draft);
      return {
        dataset: countsOf(prepared.dataset),
        problem: null,
        draft: canonicalJson(prepared.draft),
        signed: document && Buffer.from(document).toString('base64'),
        missing: [...missing],
      };
    } catch (error) {
      // What is wrong with the data is part of what people are shown.
      if (isFatal(error)) throw error;
      const { code, facts } = Fault.from(error);
      return { ...NO_DATA, problem: { code, facts: { ...facts } } };
    }
  }

  async #approvedBefore({ run, planDigest }: RunRecord, study: string): Promise<Digest | null> {
    const { ledger } = this.ports;
    for (const other of this.#read().reverse()) {
      if (other.run === run || other.planDigest === planDigest || !other.decision?.approved) continue;
      const { study: of } = readPlan(await ledger.documents.get(other.planDigest));
      if (of === study) return other.planDigest;
    }
    return null;
  }
}

const countsOf = ({ format, digest, train, test }: DatasetManifest): PlanPage['dataset'] => ({
  format,
  digest,
  train: { ...train },
  test: { ...test },
});

const notFound = (): Fault => new Fault('NOT_FOUND', { what: 'a plan that was offered to this site' });
