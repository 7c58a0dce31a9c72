/** The states of a run, as the coordinator's API names them. */
export const RUN_STATES = ['approval', 'training', 'paused', 'evaluation', 'finished', 'failed', 'cancelled'] as const;
export type RunState = (typeof RUN_STATES)[number];

export const hasEnded = (state: RunState): boolean =>
  state === 'finished' || state === 'failed' || state === 'cancelled';
