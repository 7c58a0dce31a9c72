import type { Clock, Code } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';

/** Entries a minute. A stranger must not be able to fill the log that others must read. */
const PER_MINUTE_MAX = 60;
const MINUTE_MS = 60_000;

/** Writes down that somebody was refused: the reason, and nothing of what they sent. */
export class Denials {
  #minute = 0;
  #noted = 0;

  constructor(
    private readonly ledger: Pick<Ledger, 'record'>,
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {}

  /** Beyond sixty in a minute the rest of it is left out. */
  async note(code: Code): Promise<void> {
    const minute = Math.floor(this.clock.monotonic() / MINUTE_MS);
    if (minute !== this.#minute) [this.#minute, this.#noted] = [minute, 0];
    if (++this.#noted > PER_MINUTE_MAX) return;
    await this.ledger.record({ type: 'user.denied', code });
  }
}
