import { Fault, type Clock } from '@consilium/stdx';

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Soon after a hiccup, and never so often that four hundred agents beat a coordinator that is starting again. */
export const RECONNECT: Backoff = { firstMs: 200, maxMs: 15_000 };

/**
 * How long to wait after so many failures in a row (from 1): doubling up to `maxMs`, of which a random half is taken
 * away, so that sites that lost their coordinator together do not come back together.
 */
export function delayAfter(failures: number, { firstMs, maxMs }: Backoff, random: () => number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full * (1 - random() / 2);
}

/** Waits, or throws CANCELLED as soon as the signal aborts. */
export function pause(ms: number, clock: Pick<Clock, 'after'>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Fault('CANCELLED'));
    const cancelled = (): void => {
      stop();
      reject(new Fault('CANCELLED'));
    };
    const stop = clock.after(ms, () => {
      signal.removeEventListener('abort', cancelled);
      resolve();
    });
    signal.addEventListener('abort', cancelled, { once: true });
  });
}

/** What goes away by itself: the line, the coordinator's restart, its full disk or hands. */
const PASSING = ['UNAVAILABLE', 'TIMEOUT', 'OVERLOADED', 'UPDATE_TRUNCATED', 'DISK_FULL'] as const;
export const passes = (error: unknown): boolean => PASSING.some((code) => Fault.is(error, code));

/** Tries again after what passes, until it succeeds, fails for another reason, or the signal aborts (the round's deadline). */
export async function patiently<T>(
  work: () => Promise<T>,
  {
    clock,
    random,
    signal,
    backoff = RECONNECT,
  }: { clock: Pick<Clock, 'after'>; random: () => number; signal: AbortSignal; backoff?: Backoff },
): Promise<T> {
  for (let failures = 1; ; failures++) {
    if (signal.aborted) throw new Fault('CANCELLED');
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !passes(error)) throw error;
    }
    await pause(delayAfter(failures, backoff, random), clock, signal);
  }
}
