import type { Clock } from '@consilium/stdx';
import { padStart } from '../text/width.js';
import type { RunSteps } from './steps.js';

/** Steps as lines with the time since the start in front, for pipes, logs and `--json`. */
export const plainSteps = (write: (line: string) => void, clock: Clock, columns: () => number): RunSteps => {
  const began = clock.monotonic();
  const stamped = (line: string): void =>
    write(`${padStart(`${((clock.monotonic() - began) / 1000).toFixed(1)} s`, 8)}  ${line}`);
  return async (steps) => {
    for (const step of steps) {
      stamped(step.title);
      stamped(await step.run({ say: stamped, show: () => {}, width: () => columns() - 10 }));
    }
  };
};
