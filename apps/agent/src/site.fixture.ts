import { AutoApprovals } from './approvals.js';
import type { SiteEvent } from '@consilium/ledger';
import type { SignedPlan } from '@consilium/round';
import { Guard } from './guard.js';
import { ACCEPTED } from './keys.fixture.js';
import { approvedEvents, MemoryDocuments, memoryLedger } from './ledger.fixture.js';
import { Permits } from './permits.js';
import { KEY, planOf } from './plan.fixture.js';
import { Tally } from './tally.js';
import { clockAt, MemoryUplink } from './twins.fixture.js';

export interface TestSite {
  readonly plan?: SignedPlan;
  /** What the log says beside the approval. */
  readonly more?: readonly SiteEvent[];
  /** What it says instead of the approval. */
  readonly past?: (documents: MemoryDocuments) => readonly SiteEvent[];
  readonly uplink?: MemoryUplink;
  readonly clock?: ReturnType<typeof clockAt>;
}

/** A site that approved a run, with its guard before a memory of what left. */
export function siteWith({
  plan = planOf(),
  more = [],
  past,
  uplink = new MemoryUplink(),
  clock = clockAt(),
}: TestSite = {}) {
  const documents = new MemoryDocuments();
  const events = past ? past(documents) : [...approvedEvents(documents, plan), ...more];
  const memory = memoryLedger(events, documents);
  const { ledger } = memory;
  const rosters = { current: ACCEPTED };
  const approvals = new AutoApprovals(KEY);
  const permits = new Permits({ ledger, rosters, approvals, clock });
  const tally = new Tally(ledger);
  const guard = new Guard({ ledger, permits, tally, uplink, signing: KEY.publicKey });
  return { ...memory, rosters, approvals, permits, tally, guard, uplink, clock };
}
