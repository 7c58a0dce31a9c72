import { createHash } from 'node:crypto';
import { readEntry, sealEntry, type CoordinatorEvent } from '@consilium/ledger';
import { Fault, fromUtf8, utf8, type Digest } from '@consilium/stdx';
import type { LedgerRow } from '../ports.js';
import { subjectOf } from '../runs/events.js';
import type { Ledger } from './ledger.js';

/** The memory twin of the ledger: what was recorded, in order. What a store keeps in its own transaction is the store's. */
export class MemoryLedger implements Ledger {
  readonly events: CoordinatorEvent[] = [];
  trouble: Fault | undefined;
  readonly #documents = new Map<Digest, Uint8Array>();
  #salts = 0;

  async record(event: CoordinatorEvent): Promise<void> {
    this.seal([event]);
    this.events.push(event);
  }

  seal(events: readonly CoordinatorEvent[]): readonly LedgerRow[] {
    if (this.trouble) throw this.trouble;
    return events.map((event) => {
      const salt = (this.#salts++).toString(16).padStart(32, '0');
      return { entry: fromUtf8(sealEntry(event, { kind: 'coordinator', at: 0, salt })), subject: subjectOf(event) };
    });
  }

  stored(): void {
    // There is no tree.
  }

  async document(bytes: Uint8Array): Promise<Digest> {
    const digest = createHash('sha256').update(bytes).digest('hex') as Digest;
    this.#documents.set(digest, bytes.slice());
    return digest;
  }

  async readDocument(digest: Digest): Promise<Uint8Array> {
    const bytes = this.#documents.get(digest);
    if (!bytes) throw new Fault('NOT_FOUND', { digest });
    return bytes.slice();
  }
}

/** The event that a sealed row tells of, for tests. */
export const eventOf = ({ entry }: LedgerRow): CoordinatorEvent => {
  const { v: _v, at: _at, salt: _salt, ...event } = readEntry(utf8(entry), 'coordinator');
  return event as CoordinatorEvent;
};
