import type { SiteEvent } from '@consilium/ledger';
import type { Digest } from '@consilium/stdx';

/** Which standing approvals of this site are in force, by the digests of their documents, as its log says. */
export class Standing {
  readonly #granted = new Set<Digest>();

  all(): readonly Digest[] {
    return [...this.#granted];
  }

  follow(event: SiteEvent): void {
    if (event.type === 'standing.granted') this.#granted.add(event.envelope);
    if (event.type === 'standing.withdrawn') this.#granted.delete(event.envelope);
    // In a restore from an old copy a withdrawal may be among what was lost.
    if (event.type === 'shard.opened' && event.reason === 'restore') this.#granted.clear();
  }
}
