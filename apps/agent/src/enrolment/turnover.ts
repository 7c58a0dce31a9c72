/**
 * Makes the session follow a renewed certificate: it is opened anew, at a moment at which nothing is under way. Where
 * there is none, the coordinator ends the old session with its certificate, and the next one opens at once.
 */
export class Turnover {
  #due = new AbortController();

  constructor(
    /** Whether a session could end now without disturbing anything. */
    private readonly isCalm: () => boolean,
    /** Ends the session that is open, if one is. */
    private readonly endSession: () => void,
  ) {}

  /** A new certificate is in use for what begins from now on. */
  request(): void {
    this.#due.abort();
    this.look();
  }

  /** Told whenever something may have come to rest. */
  look(): void {
    if (this.isDue && this.isCalm()) this.endSession();
  }

  /** A session is about to be opened, with the newest certificate. */
  opening(): void {
    this.#due = new AbortController();
  }

  /** Whether the session that is over was of an older certificate: nobody needs to wait before the next one then. */
  get isDue(): boolean {
    return this.#due.signal.aborted;
  }

  /** Aborts when a wait for the next session has become needless. */
  get due(): AbortSignal {
    return this.#due.signal;
  }
}
