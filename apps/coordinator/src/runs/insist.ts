import { Fault, type Clock } from '@consilium/stdx';
import type { Log } from '../log.js';

const WAITS_MS = [1000, 2000, 4000, 8000, 16_000];

/**
 * Work that nobody asks for twice, such as a deadline or a round's aggregation: a full disk or a lost database may pass,
 * so it is tried again with growing waits. The last failure is thrown. Another coordinator on the same database never
 * passes, and neither does an end of this one.
 */
export async function insist<T>(
  work: () => Promise<T>,
  { clock, log, passing }: { clock: Clock; log: Log; passing: (error: unknown) => boolean },
): Promise<T> {
  for (const waitMs of WAITS_MS) {
    try {
      return await work();
    } catch (error) {
      if (!passing(error)) throw error;
      log.warn({ err: error, waitMs }, 'will be tried again');
      await new Promise<void>((resolve) => clock.after(waitMs, resolve));
    }
  }
  return work();
}

/** What is not a Fault here comes from the database's driver. */
export const mayPass = (error: unknown): boolean =>
  Fault.is(error, 'DISK_FULL') || Fault.is(error, 'DATABASE_UNAVAILABLE') || !(error instanceof Fault);
