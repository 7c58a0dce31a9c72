import { Fault, type Clock, type RunId } from '@consilium/stdx';

/** At most ten pictures of a run in a second: progress of many sites would otherwise be many more. */
const INTERVAL_MS = 100;
const LISTENERS_MAX = 256;

interface Listener {
  readonly run: RunId;
  readonly tell: () => void;
  /** A picture is due already. */
  pending: boolean;
  toldMs: number;
}

/** Tells who watches a run that it changed: at once, then at most every 100 ms, and never loses the last change. */
export class RunFeed {
  readonly #listeners = new Set<Listener>();

  constructor(private readonly clock: Clock) {}

  /** OVERLOADED beyond 256 watchers. Answers the function that ends the watch. */
  watch(run: RunId, tell: () => void): () => void {
    if (this.#listeners.size >= LISTENERS_MAX) throw new Fault('OVERLOADED', { watchersMax: LISTENERS_MAX });
    const listener: Listener = { run, tell, pending: false, toldMs: -Infinity };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  changed(run: RunId): void {
    for (const listener of this.#listeners) if (listener.run === run) this.#schedule(listener);
  }

  #schedule(listener: Listener): void {
    if (listener.pending) return;
    listener.pending = true;
    const waitMs = Math.max(0, listener.toldMs + INTERVAL_MS - this.clock.monotonic());
    this.clock.after(waitMs, () => {
      listener.pending = false;
      listener.toldMs = this.clock.monotonic();
      if (this.#listeners.has(listener)) listener.tell();
    });
  }
}
