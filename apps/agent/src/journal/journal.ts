import type { Clock } from '@consilium/stdx';
import { GENESIS, seal, type Head } from './chain.js';
import type { Entry, JournalRecord } from './entry.js';

/** The one durable memory of a site. When `append` resolves, the entry survives a crash or a power cut. */
export interface Journal {
  append(record: JournalRecord): Promise<Entry>;
  close(): Promise<void>;
}

/** A journal that forgets: for the baseline, which sends nothing, and for tests. Same entries, same chain, no disk. */
export class MemoryJournal implements Journal {
  readonly entries: Entry[] = [];
  #head: Head = GENESIS;

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  async append(record: JournalRecord): Promise<Entry> {
    const { entry, head } = seal(this.#head, this.clock.now(), record);
    this.#head = head;
    this.entries.push(entry);
    return entry;
  }

  async close(): Promise<void> {}
}
