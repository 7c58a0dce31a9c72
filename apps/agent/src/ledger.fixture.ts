import { createHash } from 'node:crypto';
import { signEnvelope } from '@consilium/identity';
import { bucketOf, readEntry, sealEntry, type SiteEvent } from '@consilium/ledger';
import { planCanonicalJson, planDigest, type SignedPlan } from '@consilium/round';
import { canonicalJson, digestOf, Fault, utf8, type Digest, type RunId } from '@consilium/stdx';
import { SiteLedger, type DocumentStore, type EventLog } from './ledger/site-ledger.js';
import { approvalOf, DATASET, KEY, planOf, planOffer, RUN } from './plan.fixture.js';
import { ROSTER_DIGEST, ROSTER_DOCUMENT } from './keys.fixture.js';

/** A log in memory that takes the same closed set of entries as the one on disk. */
export class MemoryLog implements EventLog {
  readonly entries: SiteEvent[] = [];
  /** Thrown instead of the next entry that it is asked to take, and of all later ones. */
  fails: Fault | undefined;

  async record(event: SiteEvent): Promise<void> {
    if (this.fails) throw this.fails;
    const {
      v: _v,
      at: _at,
      salt: _salt,
      ...read
    } = readEntry(sealEntry(event, { kind: 'site', at: 0, salt: '0'.repeat(32) }), 'site');
    this.entries.push(read as SiteEvent);
  }
}

export class MemoryDocuments implements DocumentStore {
  readonly kept = new Map<Digest, Uint8Array>();
  fails: Fault | undefined;

  async put(bytes: Uint8Array): Promise<Digest> {
    if (this.fails) throw this.fails;
    const digest = createHash('sha256').update(bytes).digest('hex') as Digest;
    this.kept.set(digest, bytes.slice());
    return digest;
  }

  async get(digest: Digest): Promise<Uint8Array> {
    const bytes = this.kept.get(digest);
    if (!bytes) throw new Fault('NOT_FOUND', { document: digest });
    return bytes.slice();
  }
}

/** A site's memory of which a test can see what was written since. */
export function memoryLedger(past: readonly SiteEvent[] = [], documents = new MemoryDocuments()) {
  const log = new MemoryLog();
  return {
    log,
    documents,
    ledger: new SiteLedger(log, documents, past),
    types: () => log.entries.map(({ type }) => type),
  };
}

export const ENROLLED: readonly SiteEvent[] = [
  {
    type: 'identity.enrolled',
    signing: digestOf(KEY.publicKey),
    root: 'e'.repeat(64) as Digest,
    roster: ROSTER_DIGEST,
  },
  { type: 'roster.accepted', version: 1, roster: ROSTER_DIGEST },
];

/** What the log says of a run that this site approved; the documents that its entries name are put where they belong. */
export function approvedEvents(
  documents: MemoryDocuments,
  plan: SignedPlan = planOf(),
  { run = RUN as RunId, dataset = DATASET as object, approval = {} } = {},
): SiteEvent[] {
  const keep = (bytes: Uint8Array): Digest => {
    documents.kept.set(digestOf(bytes), bytes);
    return digestOf(bytes);
  };
  const manifest = { ...DATASET, ...dataset };
  const { format, digest, train, test } = manifest;
  const envelope = keep(signEnvelope('approval', approvalOf(plan, run, approval), [KEY]));
  const { planEnvelope } = planOffer(plan, run);
  keep(utf8(planCanonicalJson(plan)));
  keep(ROSTER_DOCUMENT);
  return [
    { type: 'plan.offered', run, plan: planDigest(plan), envelope: keep(planEnvelope), roster: ROSTER_DIGEST },
    {
      type: 'dataset.loaded',
      run,
      dataset: digest,
      document: keep(utf8(canonicalJson(manifest))),
      format,
      train: bucketOf(train.examples),
      test: bucketOf(test.examples),
    },
    { type: 'plan.approved', run, plan: planDigest(plan), by: 'auto', envelope },
  ];
}
