import { decodePublicKey, fingerprintWords } from '@consilium/identity';
import type { SiteName } from '@consilium/stdx';
import type { SiteStore } from '../ports.js';
import type { SiteRegister } from './register.js';
import type { Rosters } from './rosters.js';
import type { Sessions } from './sessions.js';

/** A site as people see it. */
export interface SiteView {
  readonly name: SiteName;
  /** `left`: it was here, and no roster lists it any more. */
  readonly standing: 'enrolled' | 'revoked' | 'left';
  /** ISO 3166-1 alpha-2, as the roster has it. */
  readonly jurisdiction: string | null;
  /** Six words of its signing key. */
  readonly fingerprint: string | null;
  /** When its newest certificate ends. */
  readonly certificateEndsMs: number | null;
  readonly connected: boolean;
  readonly lastSeenMs: number | null;
  readonly software: string | null;
}

/** Which sites there are, whether each belongs, and whether it is here now. */
export class SiteDirectory {
  constructor(
    private readonly parts: {
      readonly store: SiteStore;
      readonly sessions: Pick<Sessions, 'has'>;
      readonly rosters: Rosters;
      readonly register: SiteRegister;
    },
  ) {}

  /** Those of the roster and those that were ever here, by name. */
  async list(): Promise<readonly SiteView[]> {
    const { store, rosters } = this.parts;
    const seen = new Map((await store.list()).map((site) => [site.name, site]));
    const names = new Set([...rosters.roster.sites.map(({ name }) => name), ...seen.keys()]);
    return [...names].sort().map((name) => ({
      name,
      ...this.#belonging(name),
      connected: this.parts.sessions.has(name),
      lastSeenMs: seen.get(name)?.lastSeenMs ?? null,
      software: seen.get(name)?.software ?? null,
    }));
  }

  #belonging(name: SiteName): Pick<SiteView, 'standing' | 'jurisdiction' | 'fingerprint' | 'certificateEndsMs'> {
    const { rosters, register } = this.parts;
    const site = rosters.site(name);
    const ends = register.certificatesOf(name).map(({ notAfterMs }) => notAfterMs);
    return {
      standing: register.revocationOf(name) ? 'revoked' : site ? 'enrolled' : 'left',
      jurisdiction: site?.jurisdiction ?? null,
      fingerprint: site ? fingerprintWords(decodePublicKey(site.signing)) : null,
      certificateEndsMs: ends.length ? Math.max(...ends) : null,
    };
  }
}
