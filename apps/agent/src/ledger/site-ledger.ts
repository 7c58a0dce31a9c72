import type { SiteEvent } from '@consilium/ledger';
import type { Digest } from '@consilium/stdx';
import { ownState } from '../fatal.js';
import { Enrolled } from './enrolled.js';
import { Rounds } from './rounds.js';
import { Runs } from './runs.js';
import { Standing } from './standing.js';
import { Watched } from './watched.js';

/** The site's log. What `record` answered survives a crash or a power cut. */
export interface EventLog {
  /** Throws DISK_FULL, which passes, or LEDGER_UNWRITABLE, after which nothing may happen any more. */
  record(event: SiteEvent): Promise<unknown>;
}

/** What is too long for an entry, by the SHA-256 of its bytes. Durable when `put` answers; verified when `get` does. */
export interface DocumentStore {
  put(bytes: Uint8Array): Promise<Digest>;
  get(digest: Digest): Promise<Uint8Array>;
}

const FORBIDDING: readonly SiteEvent['type'][] = ['plan.suspended', 'plan.withdrawn', 'standing.withdrawn'];

/**
 * The agent's memory: its log, and what follows from it. Writing comes before remembering, and remembering before
 * acting, so whatever a killed agent had done, the next one knows. Nothing else is state: what lies in the outbox or
 * beside the log is found again by what the log says, or is not needed.
 */
export class SiteLedger {
  readonly runs = new Runs();
  readonly rounds = new Rounds();
  readonly watched = new Watched();
  readonly enrolled = new Enrolled();
  readonly standing = new Standing();
  readonly documents: DocumentStore;

  constructor(
    private readonly log: EventLog,
    documents: DocumentStore,
    past: Iterable<SiteEvent> = [],
  ) {
    this.documents = {
      put: (bytes) => ownState(documents.put(bytes)),
      get: (digest) => ownState(documents.get(digest)),
    };
    for (const event of past) this.#follow(event);
  }

  /**
   * Writes to the log, then remembers; what forbids something is remembered first, so that nothing slips in between the
   * word and its entry. The only way to change what is remembered.
   */
  async write(event: SiteEvent): Promise<void> {
    const forbids = FORBIDDING.includes(event.type);
    if (forbids) this.#follow(event);
    await ownState(this.log.record(event));
    if (!forbids) this.#follow(event);
  }

  #follow(event: SiteEvent): void {
    for (const memory of [this.runs, this.rounds, this.watched, this.enrolled, this.standing]) memory.follow(event);
  }
}
