import { isOf, type CoordinatorEntryOf, type CoordinatorRecord } from '../audit/recorded.js';

/** The entries that move a run or one of its rounds. */
export const RUN_ENTRY_TYPES = [
  'run.started',
  'run.steered',
  'plan.decided',
  'plan.withdrawn',
  'round.started',
  'site.joined',
  'round.offered',
  'update.committed',
  'site.dropped',
  'round.deadline',
  'aggregate.published',
  'round.abandoned',
  'evaluation.offered',
  'evaluation.received',
  'run.ended',
] as const;

export type RunEntry = CoordinatorEntryOf<(typeof RUN_ENTRY_TYPES)[number]>;

export const isRunEntry = (record: CoordinatorRecord): record is RunEntry => isOf(record, ...RUN_ENTRY_TYPES);
