import type { Clock, Code } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';

const WINDOW_MS = 3_600_000;
const RECORDED_MAX = 100;

/**
 * Writes refused attempts to join into the log, but only so many an hour: anybody may try, and nobody may fill a log
 * that is kept for ten years.
 */
export class Refusals {
  #sinceMs = -Infinity;
  #recorded = 0;

  constructor(
    private readonly ledger: Pick<Ledger, 'record'>,
    private readonly clock: Clock,
  ) {}

  async record(code: Code): Promise<void> {
    const now = this.clock.monotonic();
    if (now - this.#sinceMs >= WINDOW_MS) [this.#sinceMs, this.#recorded] = [now, 0];
    if (this.#recorded++ >= RECORDED_MAX) return;
    await this.ledger.record({ type: 'token.refused', code });
  }
}
