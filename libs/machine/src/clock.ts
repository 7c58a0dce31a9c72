import type { Clock } from '@consilium/stdx';

/** setTimeout counts in 32 bits; a longer wait would fire at once. */
const WAIT_MS_MAX = 2 ** 31 - 1;

/** This machine's clock. Its timers do not keep a program alive: what is worth waiting for does that itself. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, WAIT_MS_MAX)).unref();
    return () => clearTimeout(timer);
  },
};

/** Keeps the program alive until the answered function is called, for a command that does nothing but wait. */
export function stayAwake(): () => void {
  const timer = setInterval(() => {}, WAIT_MS_MAX);
  return () => clearInterval(timer);
}
