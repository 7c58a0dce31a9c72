import { Fault } from '@consilium/stdx';
import { fromStatus } from './status.js';

/**
 * Ends one running call when the caller's signal aborts or when nothing moved for `idleMs`, and afterwards tells which
 * of these, or else which status, ended it.
 */
export class CallGuard {
  readonly #over = new AbortController();
  readonly #onAbort: () => void;
  #timer: NodeJS.Timeout | undefined;
  #idle = false;

  /** Aborts when the call is over, for whoever waits on its stream. */
  readonly over: AbortSignal = this.#over.signal;

  constructor(
    private readonly call: { cancel(): void },
    private readonly idleMs: number,
    private readonly signal?: AbortSignal,
  ) {
    this.#onAbort = () => this.call.cancel();
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
    this.touch();
  }

  /** Something moved. */
  touch(): void {
    clearTimeout(this.#timer);
    if (this.over.aborted) return;
    this.#timer = setTimeout(() => {
      this.#idle = true;
      this.call.cancel();
    }, this.idleMs);
  }

  /** From here on the call may stand still for as long as it likes. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  /** The call ended or is no longer wanted; safe to repeat. */
  end(): void {
    this.rest();
    this.signal?.removeEventListener('abort', this.#onAbort);
    if (this.over.aborted) return;
    this.#over.abort();
    this.call.cancel();
  }

  explain(error: unknown): Fault {
    if (this.signal?.aborted) return new Fault('CANCELLED', {}, error);
    if (this.#idle) return new Fault('TIMEOUT', { afterMs: this.idleMs }, error);
    return fromStatus(error);
  }
}
