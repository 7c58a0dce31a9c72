import type { Clock, Digest, RunId } from '@consilium/stdx';
import type { Log } from '../log.js';
import type { Arithmetic, ModelFiles, RunStore, Spool, StudyStore } from '../ports.js';
import type { SignedPlan } from '@consilium/round';
import type { EvidenceDesk } from '../ledger/evidence.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StartedWith } from '../ledger/started-with.js';
import type { Sessions } from '../sites/sessions.js';
import type { ClearedPlan } from '../studies/clearance.js';
import type { Observer } from './observer.js';

/** What a run needs around it. */
export interface RunWorld {
  readonly runs: RunStore;
  readonly studies: StudyStore;
  readonly spool: Spool;
  readonly models: ModelFiles;
  /** Updates of plans that keep them for auditors, by their SHA-256. */
  readonly retained: ModelFiles;
  readonly arithmetic: Arithmetic;
  readonly ledger: Ledger;
  readonly evidence: EvidenceDesk;
  /** Throws unless the plan may start a run now. */
  readonly clear: (planDigest: Digest) => Promise<ClearedPlan>;
  /** The documents that a run was started with, as the ledger names them; undefined for a run that it does not know. */
  readonly startedWith: (run: RunId) => Promise<StartedWith | undefined>;
  /** Throws once the plan's terms hold no more: nothing of it is dispatched then. */
  readonly requireInForce: (plan: SignedPlan) => void;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  /** Something about this run can be seen differently now. */
  readonly changed: (run: RunId) => void;
  /** The store stays out of reach: the program must end, and its next start resumes from what is stored. */
  readonly fatal: (error: unknown) => void;
}
