import type { SiteStore } from '../ports.js';
import type { SiteRecord } from '../records.js';
import type { Sessions } from './sessions.js';

/** Which sites there are, and whether each is here now. */
export class SiteDirectory {
  constructor(
    private readonly store: SiteStore,
    private readonly sessions: Sessions,
  ) {}

  async list(): Promise<readonly (SiteRecord & { readonly connected: boolean })[]> {
    const sites = await this.store.list();
    return sites.map((site) => ({ ...site, connected: this.sessions.has(site.name) }));
  }
}
