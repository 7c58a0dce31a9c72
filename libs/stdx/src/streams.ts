import type { Clock } from './clock.js';
import { Fault } from './fault.js';

/**
 * A queue between one writer and one reader, with a bound. `push` answers false when the queue is full or closed, so
 * that the writer decides what fullness means; nothing is ever dropped silently.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #closed = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.#items.length;
  }

  push(item: T): boolean {
    if (this.#closed || this.#items.length >= this.capacity) return false;
    this.#items.push(item);
    this.#notify();
    return true;
  }

  /** Ends the queue after what it holds; with an error the reader throws it then. */
  close(failure?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure = failure;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      while (this.#items.length) yield this.#items.shift()!;
      if (this.#closed) {
        if (this.#failure !== undefined) throw this.#failure;
        return;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** Passes chunks on and throws `UPDATE_TOO_LARGE` at the first byte beyond `bytesMax`. */
export async function* limitBytes(source: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of source) {
    seen += chunk.byteLength;
    if (seen > bytesMax) throw new Fault('UPDATE_TOO_LARGE', { expectedBytes: bytesMax });
    yield chunk;
  }
}

/** The promise's outcome, or `TIMEOUT` after `ms` of the clock. The work itself goes on: cancel it by its own signal. */
export async function withDeadline<T>(work: Promise<T>, clock: Clock, ms: number): Promise<T> {
  let stop = (): void => {};
  const late = new Promise<never>((_, reject) => {
    stop = clock.after(ms, () => reject(new Fault('TIMEOUT', { afterMs: ms })));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop();
  }
}
