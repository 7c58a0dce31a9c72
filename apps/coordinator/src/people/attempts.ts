import { Fault, type Clock } from '@consilium/stdx';

export interface AttemptLimits {
  /** Failures that have no consequence. */
  readonly free: number;
  /** The wait after the first failure beyond them; doubled with each. */
  readonly waitMs: number;
  readonly waitMsMax: number;
}

/** A person mistypes now and then; a hospital's address stands for many people. */
export const PER_ACCOUNT: AttemptLimits = { free: 5, waitMs: 15_000, waitMsMax: 15 * 60_000 };
export const PER_ADDRESS: AttemptLimits = { free: 30, waitMs: 15_000, waitMsMax: 15 * 60_000 };

/** Beyond so many the one that has been quiet for longest is forgotten. */
const KEPT_MAX = 10_000;
/** Who has not failed for so long starts anew. */
const FORGOTTEN_MS = 60 * 60_000;

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

/**
 * Who failed how often, with a wait that doubles. An attempt counts as failed from its beginning until it is proved to
 * have succeeded, so that a thousand at once are no way around it. Memory only: who can restart us needs no password.
 */
export class Attempts {
  readonly #failures = new Map<string, Failures>();

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly limits: AttemptLimits,
  ) {}

  /** ACCOUNT_LOCKED while one must wait; else the attempt counts as failed until `succeeded`. */
  begin(key: string): void {
    const now = this.clock.monotonic();
    const { count, lastMs } = this.#recent(key, now);
    const waitMs = lastMs + this.#waitAfter(count) - now;
    if (waitMs > 0) throw new Fault('ACCOUNT_LOCKED', { retryAfterSeconds: Math.ceil(waitMs / 1000) });
    // Deleted first, so that the map's order is that of the last failure.
    this.#failures.delete(key);
    if (this.#failures.size >= KEPT_MAX) this.#failures.delete(this.#failures.keys().next().value!);
    this.#failures.set(key, { count: count + 1, lastMs: now });
  }

  /** A proved login clears an account. */
  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  /** Takes back one attempt: an address that others attack from is not cleared by a login of its own. */
  forgive(key: string): void {
    const known = this.#failures.get(key);
    if (known) this.#failures.set(key, { ...known, count: Math.max(0, known.count - 1) });
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  #recent(key: string, now: number): Failures {
    const known = this.#failures.get(key);
    return known && now - known.lastMs < FORGOTTEN_MS ? known : { count: 0, lastMs: now };
  }

  #waitAfter(count: number): number {
    const { free, waitMs, waitMsMax } = this.limits;
    return count < free ? 0 : Math.min(waitMs * 2 ** (count - free), waitMsMax);
  }
}
