import type { SiteEvent } from '@consilium/ledger';
import type { Digest } from '@consilium/stdx';

/** Who this site is and whom it believes, as its log says. Keys are named by their ids, documents by their digests. */
export class Enrolled {
  #signing: Digest | null = null;
  #root: Digest | null = null;
  #policy: Digest | null = null;
  #roster: { readonly version: number; readonly digest: Digest } | null = null;

  /** The signing key that is valid at this end of the log. */
  get signing(): Digest | null {
    return this.#signing;
  }

  /** SHA-256 of the root certificate's DER. */
  get root(): Digest | null {
    return this.#root;
  }

  /** SHA-256 of the settings by which this site says yes. */
  get policy(): Digest | null {
    return this.#policy;
  }

  /** The newest roster accepted: an older one is refused from then on. */
  get roster(): { readonly version: number; readonly digest: Digest } | null {
    return this.#roster;
  }

  follow(event: SiteEvent): void {
    switch (event.type) {
      case 'identity.enrolled':
        this.#signing = event.signing;
        this.#root = event.root;
        return;
      case 'identity.rekeyed':
        this.#signing = event.signing;
        return;
      case 'roster.accepted':
        this.#roster = { version: event.version, digest: event.roster };
        return;
      case 'policy.changed':
        this.#policy = event.policy;
        return;
      default: // the other entries say nothing of who is who
    }
  }
}
