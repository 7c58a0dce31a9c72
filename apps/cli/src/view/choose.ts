import type { Clock } from '@consilium/stdx';
import type { Terminal } from '../terminal.js';
import { plainSteps } from './plain.js';
import type { RunSteps } from './steps.js';

/** Steps drawn in place on a terminal, as lines in a pipe; with `json` as lines on standard error, so that output stays JSON. */
export function runSteps(terminal: Terminal, clock: Clock, json: boolean): RunSteps {
  if (json) return plainSteps(terminal.err, clock, terminal.columns);
  if (!terminal.live) return plainSteps(terminal.out, clock, terminal.columns);
  return async (steps) => {
    const { liveSteps } = await import('./live.js');
    await liveSteps(terminal.columns)(steps);
  };
}
