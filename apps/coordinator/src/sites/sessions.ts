import { Fault, type RunId, type SiteName } from '@consilium/stdx';
import type { CoordinatorMessageInit, HubSession } from '@consilium/wire';
import type { Offer } from '../runs/offers.js';

interface OpenSession {
  readonly session: Pick<HubSession, 'send' | 'close'>;
  /** The latest offer of each run that this session has heard; a run offers one thing at a time. */
  readonly offered: Map<RunId, string>;
}

/**
 * The sites that are connected now, one session each: a newer session of the same site replaces the older one, since a
 * site whose network broke comes back before its old connection is known to be dead.
 */
export class Sessions {
  readonly #open = new Map<SiteName, OpenSession>();

  get connected(): ReadonlySet<SiteName> {
    return new Set(this.#open.keys());
  }

  get count(): number {
    return this.#open.size;
  }

  has(site: SiteName): boolean {
    return this.#open.has(site);
  }

  /** Makes this the site's session and answers the function that ends it. */
  open(site: SiteName, session: OpenSession['session']): () => void {
    this.#open.get(site)?.session.close(new Fault('SESSION_REPLACED'));
    const opened = { session, offered: new Map<RunId, string>() };
    this.#open.set(site, opened);
    return () => {
      if (this.#open.get(site) === opened) this.#open.delete(site);
    };
  }

  /** Says something to the site if it is here; what matters is offered again when it comes. */
  send(site: SiteName, message: CoordinatorMessageInit): boolean {
    return this.#open.get(site)?.session.send(message) ?? false;
  }

  /** Ends the site's session, if it is here, with the fault as its status. */
  end(site: SiteName, why: Fault): void {
    this.#open.get(site)?.session.close(why);
  }

  /** Offers something unless this session has just heard the same. */
  offer(site: SiteName, run: RunId, { key, message }: Offer): void {
    const open = this.#open.get(site);
    if (!open || open.offered.get(run) === key) return;
    if (open.session.send(message)) open.offered.set(run, key);
  }

  /** Forgets what was offered for a run that has ended. */
  forget(run: RunId): void {
    for (const { offered } of this.#open.values()) offered.delete(run);
  }
}
