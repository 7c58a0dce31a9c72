import { readEntry } from '@consilium/ledger';
import { utf8, type Digest, type RunId } from '@consilium/stdx';
import type { LedgerRows } from '../ports.js';
import { subjectOfRun } from '../runs/events.js';

/** The documents that a run was started with: its plan with the signatures of that day, and the roster of their keys. */
export interface StartedWith {
  readonly envelope: Digest;
  readonly roster: Digest;
}

/** What the ledger says about a run's start. Undefined for a run that it does not know. */
export const startedWith =
  (rows: Pick<LedgerRows, 'find'>) =>
  async (run: RunId): Promise<StartedWith | undefined> => {
    const row = await rows.find(subjectOfRun(run));
    const entry = row && readEntry(utf8(row.entry), 'coordinator');
    return entry?.type === 'run.started' ? { envelope: entry.envelope, roster: entry.roster } : undefined;
  };
