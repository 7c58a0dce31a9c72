import type { Clock } from '@consilium/stdx';

/** The parts of the process that stopping needs. */
export interface Signals {
  on(signal: 'SIGINT' | 'SIGTERM' | 'disconnect', listener: () => void): unknown;
  exit(code: number): never | void;
}

/** A graceful stop may take this long; the process then ends without it. */
export const STOP_MS = 3_000;

/** A terminal's Ctrl-C reaches a whole group of processes, and one of them may pass it on: that is one wish, not two. */
const SAME_WISH_MS = 100;

/**
 * The first SIGINT or SIGTERM (or the end of the program that started this one) asks for a graceful stop. A second one
 * ends the process at once with 130, and so does a stop that takes too long.
 */
export function stopSignal(process: Signals, clock: Pick<Clock, 'monotonic' | 'after'>): AbortSignal {
  const stopping = new AbortController();
  let askedMs = 0;
  const stop = (): void => {
    if (!stopping.signal.aborted) {
      askedMs = clock.monotonic();
      clock.after(STOP_MS, () => process.exit(130));
      stopping.abort();
    } else if (clock.monotonic() - askedMs > SAME_WISH_MS) {
      process.exit(130);
    }
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('disconnect', () => {
    if (!stopping.signal.aborted) stop();
  });
  return stopping.signal;
}
