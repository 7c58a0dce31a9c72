import type { DatasetManifest } from '@consilium/dataset';
import type { Approval } from '@consilium/identity';
import type { Plan } from '@consilium/round';
import { canonicalJson, digestOfJson, Fault, type Clock, type Digest, type SiteName } from '@consilium/stdx';
import type { SiteLedger } from '../ledger/site-ledger.js';
import { imageSpecOf, type Trainer } from '../ports.js';
import type { Role } from './roles.js';
import type { Signers } from './signers.js';
import { modelFamilyOf } from './standing-approvals.js';

export interface GrantPorts {
  readonly site: SiteName;
  readonly federation: string;
  /** Study → folder. */
  readonly datasets: Readonly<Record<string, string>>;
  readonly ledger: Pick<SiteLedger, 'standing' | 'documents' | 'write'>;
  readonly signers: Signers;
  readonly trainer: Pick<Trainer, 'load'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** A standing approval that people are signing, one after the other. */
export interface Draft {
  readonly approval: Approval;
  readonly dataset: DatasetManifest;
  /** What has been signed so far. */
  readonly document: Uint8Array | null;
  readonly missing: readonly Role[];
}

/** So many may be under way at one time; the oldest gives way, and its people sign again. */
const DRAFTS_MAX = 16;

/**
 * How a standing approval comes about: the agent reads the data and makes the terms, each role signs these very terms,
 * and the site's own signature comes last. It holds from the moment at which it stands in the log.
 */
export class StandingGrants {
  /** By their terms. Lost with a restart; whoever had signed signs again. */
  readonly #drafts = new Map<string, Draft>();

  constructor(private readonly ports: GrantPorts) {}

  /**
   * The same terms again are the same draft, so that the next person signs what the first one has signed, as long as the
   * data are the same. Faults: DATA_NOT_CONFIGURED and those of reading the data; REQUEST_INVALID for an end that is past
   * and where the settings name nobody who could sign.
   */
  async draft(plan: Plan, { rounds, expiresMs }: { rounds: number; expiresMs: number }): Promise<Draft> {
    const { site, federation, datasets, signers, trainer, clock } = this.ports;
    if (signers.roles.length === 0) throw new Fault('REQUEST_INVALID', { field: 'approvers', expected: 'their keys' });
    if (plan.federation !== federation) throw new Fault('PLAN_INVALID', { path: 'federation' });
    if (!Object.hasOwn(datasets, plan.study)) throw new Fault('DATA_NOT_CONFIGURED');
    const atMs = clock.now();
    if (expiresMs <= atMs) throw new Fault('REQUEST_INVALID', { field: 'until', expected: 'a day that is yet to end' });
    const data = { folders: [datasets[plan.study]!], spec: imageSpecOf(plan) };
    const dataset = await trainer.load(data, ['train', 'test']);
    const envelope = { dataset: dataset.digest, modelFamily: modelFamilyOf(plan), rounds, expiresMs };
    const name = nameOf(plan.study, envelope);
    const known = this.#drafts.get(name);
    if (known) return known;
    const approval: Approval = {
      schema: 'consilium.approval/1',
      federation,
      study: plan.study,
      plan: null,
      run: null,
      envelope,
      site,
      dataset: dataset.digest,
      by: 'people',
      expiresMs,
      atMs,
    };
    const draft = { approval, dataset, document: null, missing: signers.roles };
    this.#drafts.set(name, draft);
    const [oldest] = this.#drafts.keys();
    if (this.#drafts.size > DRAFTS_MAX) this.#drafts.delete(oldest!);
    return draft;
  }

  /**
   * One more person has signed. The standing approval's digest once all have, null until then. Faults: NOT_FOUND for
   * terms that nobody drafted, and those of `Signers.added`.
   */
  async sign(document: Uint8Array): Promise<{ readonly document: Digest | null; readonly missing: readonly Role[] }> {
    const { signers, ledger } = this.ports;
    const { study, envelope } = signers.openSigned(document).approval;
    const name = nameOf(study, envelope);
    const draft = this.#drafts.get(name);
    if (!draft) throw new Fault('NOT_FOUND', { what: 'the draft of a standing approval' });
    const { missing } = signers.added(draft.approval, draft.document, document);
    if (missing.length > 0) {
      this.#drafts.set(name, { ...draft, document, missing });
      return { document: null, missing };
    }
    this.#drafts.delete(name);
    const digest = await ledger.documents.put(signers.complete(document));
    await ledger.write({ type: 'standing.granted', envelope: digest });
    return { document: digest, missing: [] };
  }

  /** From now on it covers no further run; those that it covered have approvals of their own. NOT_FOUND. */
  async withdraw(document: Digest): Promise<void> {
    const { ledger } = this.ports;
    if (!ledger.standing.all().includes(document))
      throw new Fault('NOT_FOUND', { what: 'a standing approval in force' });
    await ledger.write({ type: 'standing.withdrawn', envelope: document });
  }
}

const nameOf = (study: string, envelope: Approval['envelope']): string =>
  digestOfJson([study, canonicalJson(envelope)]);
