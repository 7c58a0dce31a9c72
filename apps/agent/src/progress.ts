import type { Clock } from '@consilium/stdx';
import { isFatal } from './fatal.js';
import type { Guard } from './guard.js';
import type { RoundOffer } from './offers.js';
import type { Progress } from './ports.js';
import { rounded } from './significant.js';

/** Each message costs a flushed line in the log: twice a second is enough for people to watch. */
const INTERVAL_MS = 500;

/**
 * Tells the coordinator how far training is: at most one message per interval and one on its way at a time. Progress
 * may be lost without harm, so without a session, or before a slow coordinator, it is left out.
 */
export function progressTeller(
  offer: RoundOffer,
  guard: Pick<Guard, 'send'>,
  clock: Pick<Clock, 'monotonic'>,
  fatal: (error: unknown) => void,
) {
  const { run, round, attempt } = offer;
  let nextMs = clock.monotonic();
  let sending = false;
  return ({ step, steps, loss }: Progress): void => {
    if (sending || clock.monotonic() < nextMs || !Number.isFinite(loss)) return;
    nextMs = clock.monotonic() + INTERVAL_MS;
    sending = true;
    guard
      .send({ kind: 'training-progress', run, round, attempt, step, steps, loss: rounded(loss) })
      .catch((error: unknown) => {
        if (isFatal(error)) fatal(error);
      })
      .finally(() => (sending = false));
  };
}
