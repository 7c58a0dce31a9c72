import type { Digest } from '@consilium/stdx';
import type { Shelf } from '../bundle/bundle.js';
import type { LedgerEntry } from '@consilium/ledger';

/** A file that an entry names. */
export interface Reference {
  readonly shelf: Shelf;
  readonly digest: Digest;
  /**
   * `due`: without it something cannot be checked. `kept`: it may be there. `private`: it stays at the site, and is no
   * part of a bundle unless the site wants it.
   */
  readonly need: 'due' | 'kept' | 'private';
}

const of = (shelf: Shelf, need: Reference['need'], ...digests: readonly (Digest | null)[]): Reference[] =>
  digests.filter((digest) => digest !== null).map((digest) => ({ shelf, digest, need }));

/** Every file that an entry leads to. One table for the audit, which reports what is reached by nothing, and for `fetch`. */
export function referencesOf(record: LedgerEntry): readonly Reference[] {
  switch (record.type) {
    case 'roster.signed':
    case 'roster.accepted':
      return of('document', 'due', record.roster);
    case 'identity.enrolled':
      return of('document', 'kept', record.roster);
    case 'study.registered':
      return of('document', 'due', record.study);
    case 'plan.proposed':
      return [...of('document', 'due', record.envelope), ...of('document', 'kept', record.plan)];
    case 'plan.offered':
      return of('document', 'kept', record.envelope, record.roster, record.plan);
    case 'run.started':
      return [
        ...of('document', 'due', record.envelope, record.roster),
        ...of('document', 'kept', record.plan),
        ...of('model', 'kept', record.model),
      ];
    case 'plan.decided':
      return of('document', 'due', record.envelope);
    case 'plan.approved':
    case 'standing.granted':
      return of('document', 'due', record.envelope);
    case 'policy.changed':
      return of('document', 'private', record.policy);
    case 'dataset.loaded':
      return of('document', 'private', record.document);
    case 'round.started':
    case 'round.offered':
    case 'evaluation.offered':
    case 'training.started':
    case 'evidence.accepted':
      return of('model', 'kept', record.model);
    case 'aggregate.published':
      return of('model', 'kept', record.model);
    case 'run.ended':
      return 'model' in record ? of('model', 'kept', record.model) : [];
    case 'update.committed':
      return [...of('document', 'due', record.statement), ...of('update', 'kept', record.sha256)];
    case 'update.signed':
      return [...of('document', 'kept', record.statement), ...of('update', 'kept', record.sha256)];
    case 'evaluation.received':
      return of('document', 'kept', record.metrics);
    default:
      return [];
  }
}
