import { setMaxListeners } from 'node:events';
import type { Clock } from '@consilium/stdx';

/**
 * Ctrl-C once asks to stop, twice demands it. npm hands the terminal's Ctrl-C on although it came here already, so
 * signals closer together than a person's two presses are one.
 */
export class Interrupts {
  readonly #first = new AbortController();
  readonly #second = new AbortController();
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Pick<Clock, 'monotonic'>) {
    // Every request under way listens; that they are more than ten is no leak, which Node would otherwise warn of.
    setMaxListeners(0, this.#first.signal);
  }

  /** Aborted when asked to stop. */
  get first(): AbortSignal {
    return this.#first.signal;
  }

  /** Aborted when stopping must not wait any longer. */
  get second(): AbortSignal {
    return this.#second.signal;
  }

  /** A SIGINT, SIGTERM or SIGHUP came. */
  press(): void {
    const now = this.clock.monotonic();
    const isEcho = now - this.#lastMs < SAME_PRESS_MS;
    this.#lastMs = now;
    if (!this.#first.signal.aborted) this.#first.abort();
    else if (!isEcho) this.#second.abort();
  }
}

const SAME_PRESS_MS = 300;
