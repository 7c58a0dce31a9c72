import type { Clock, RunId } from '@consilium/stdx';
import type { Log } from '../log.js';
import type { Arithmetic, ModelFiles, RunStore, Spool, StudyStore } from '../ports.js';
import type { Sessions } from '../sites/sessions.js';
import type { Observer } from './observer.js';

/** What a run needs around it. */
export interface RunWorld {
  readonly runs: RunStore;
  readonly studies: StudyStore;
  readonly spool: Spool;
  readonly models: ModelFiles;
  readonly arithmetic: Arithmetic;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  /** Something about this run can be seen differently now. */
  readonly changed: (run: RunId) => void;
  /** The store stays out of reach: the program must end, and its next start resumes from what is stored. */
  readonly fatal: (error: unknown) => void;
}
