import type { Readable } from 'node:stream';

/**
 * Reads a call's messages one by one, and leaves everything unread that nobody asked for, so that HTTP/2's flow control
 * holds the sender back.
 *
 * Not `for await (… of call)`: Node's iterator destroys the call when the loop is left early or an error is emitted, and
 * a destroyed call never sends the status that would tell the other side why.
 */
export class CallReader<T> {
  #isOver = false;
  #wake: (() => void) | undefined;

  /** The signal ends the reading as the call's own end does. */
  constructor(
    private readonly call: Readable,
    over?: AbortSignal,
  ) {
    call.on('readable', () => this.#wake?.());
    for (const event of ['end', 'close', 'error', 'cancelled']) call.on(event, () => this.stop());
    over?.addEventListener('abort', () => this.stop());
  }

  /** Ends the reading from our side: whoever waits for a message is told that none will come. */
  stop(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /**
   * The next message, or undefined when no more will come. That is all that it means: grpc-js ends a cancelled or broken
   * call as it ends a complete one.
   */
  async next(): Promise<T | undefined> {
    for (;;) {
      const message = this.call.read() as T | null;
      if (message !== null) return message;
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
