import { Fault, type Clock, type SiteName } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';
import type { PersonId } from '../people/person-id.js';
import type { SerialQueue } from '../runs/queue.js';
import type { SiteRegister } from './register.js';
import type { Rosters } from './rosters.js';
import type { EnrolmentStore } from './store.js';

/**
 * Shuts a site out. Stored first, so that no restart lets it back in; then it is refused at every call, what runs for it
 * is cut, and the runs under way go on without it.
 */
export class Revocations {
  readonly #listeners = new Set<(site: SiteName) => unknown>();

  constructor(
    private readonly parts: {
      readonly store: EnrolmentStore;
      readonly register: SiteRegister;
      readonly rosters: Rosters;
      readonly ledger: Pick<Ledger, 'seal' | 'stored'>;
      readonly clock: Clock;
      readonly queue: SerialQueue;
    },
  ) {}

  /** Told of each site that was shut out, when that is stored; its failure is the revocation's, which stays. */
  onRevoked(listener: (site: SiteName) => unknown): void {
    this.#listeners.add(listener);
  }

  /** A site that is revoked already stays so. SITE_NOT_ENROLLED for one that the roster does not list. */
  revoke(site: SiteName, by: PersonId): Promise<void> {
    return this.parts.queue.run(async () => {
      const { store, register, rosters, ledger, clock } = this.parts;
      const enrolled = rosters.site(site);
      if (register.revocationOf(site)) return;
      if (!enrolled) throw new Fault('SITE_NOT_ENROLLED', { site });
      const revocation = { site, signing: enrolled.signing, by, revokedMs: clock.now() };
      await store.revoke(revocation, ledger.seal([{ type: 'site.revoked', site, by }]));
      ledger.stored();
      register.revoke(revocation);
      await Promise.all([...this.#listeners].map((told) => told(site)));
    });
  }
}
