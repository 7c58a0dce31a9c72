import { Fault, type Clock, type SiteName } from '@consilium/stdx';
import type { Voters } from '../ledger/campaign.js';
import type { EvidenceDesk, SentEvidence } from '../ledger/evidence.js';

/**
 * The evidence for what a run offers now, to each of its sites. It is sought when it is first asked for and comes by
 * itself; when the run goes on to offer something else, the search for the old ends.
 */
export class OfferProof {
  #subject: string | null = null;
  #found = new Map<SiteName, SentEvidence>();
  /** One for each site, since a signal is not made for very many listeners. */
  #searches = new Map<SiteName, AbortController>();

  constructor(
    private readonly desk: Pick<EvidenceDesk, 'seek'>,
    private readonly voters: Voters,
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly told: {
      /** The evidence for this site has come; it was sought for so long. */
      readonly found: (site: SiteName, ms: number) => void;
      readonly failed: (error: unknown) => void;
    },
  ) {}

  /** The evidence for the subject as this site is to be shown it; undefined as long as it is being sought. */
  of(subject: string, site: SiteName): SentEvidence | undefined {
    if (subject !== this.#subject) this.#begin(subject);
    const found = this.#found.get(site);
    if (!found && !this.#searches.has(site)) void this.#seek(subject, site);
    return found;
  }

  close(): void {
    for (const search of this.#searches.values()) search.abort();
    this.#searches = new Map();
  }

  #begin(subject: string): void {
    this.close();
    this.#subject = subject;
    this.#found = new Map();
  }

  async #seek(subject: string, site: SiteName): Promise<void> {
    const search = new AbortController();
    const { signal } = search;
    this.#searches.set(site, search);
    const begun = this.clock.monotonic();
    try {
      const evidence = await this.desk.seek(subject, this.voters, site, signal);
      if (signal.aborted) return;
      this.#found.set(site, evidence);
      this.told.found(site, this.clock.monotonic() - begun);
    } catch (error) {
      if (!signal.aborted && !Fault.is(error, 'CANCELLED')) this.told.failed(error);
    } finally {
      if (this.#searches.get(site) === search) this.#searches.delete(site);
    }
  }
}
