import { Fault, type Clock, type SiteName } from '@consilium/stdx';
import type { EnrolmentStore } from './store.js';

/** Hospital clocks differ; by more than this a request is not answered. */
export const WINDOW_MS = 5 * 60_000;

/** What makes two requests two: when, and a number used once. */
interface Stamp {
  readonly site: SiteName;
  readonly atMs: number;
  readonly nonce: string;
}

/** Whether a signed request is of now. CLOCK_SKEWED beyond five minutes in either direction. */
export function requireNow({ atMs }: Pick<Stamp, 'atMs'>, nowMs: number): void {
  if (Math.abs(nowMs - atMs) > WINDOW_MS) throw new Fault('CLOCK_SKEWED', { differenceMs: atMs - nowMs });
}

/** Each request is served once: as long as it is fresh its nonce is remembered, also over a restart. */
export class Freshness {
  constructor(
    private readonly store: Pick<EnrolmentStore, 'useNonce'>,
    private readonly clock: Clock,
  ) {}

  /** Faults: CLOCK_SKEWED; REQUEST_REPLAYED. Only for requests whose signature was verified, or anybody could fill it. */
  async use({ site, nonce, atMs }: Stamp): Promise<void> {
    const now = this.clock.now();
    requireNow({ atMs }, now);
    // Beyond this instant the time alone refuses it.
    const expiresMs = atMs + WINDOW_MS + 1;
    if (!(await this.store.useNonce({ site, nonce, expiresMs }, now))) throw new Fault('REQUEST_REPLAYED', { site });
  }
}
