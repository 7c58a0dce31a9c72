import type { Clock } from '@consilium/stdx';

/** This machine's clock. A timer does not keep the process alive: what is worth waiting for does that itself. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    // Node turns a longer timer into one of 1 ms.
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1)).unref();
    return () => clearTimeout(timer);
  },
};
