import { requireEnrolled, type CoordinatorEvent } from '@consilium/ledger';
import type { Digest, Fault } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';
import type { LedgerRow } from '../ports.js';

/**
 * A ledger that names no site but those that were enrolled: what has the form of a site's name may still be something
 * else, a patient's number for one, and nobody enrolled that. LEDGER_ID_NOT_ENROLLED before anything is written.
 */
export class EnrolledLedger implements Ledger {
  constructor(
    private readonly ledger: Ledger,
    private readonly names: () => ReadonlySet<string>,
  ) {}

  get trouble(): Fault | undefined {
    return this.ledger.trouble;
  }

  async record(event: CoordinatorEvent): Promise<void> {
    requireEnrolled(event, this.names());
    await this.ledger.record(event);
  }

  seal(events: readonly CoordinatorEvent[]): readonly LedgerRow[] {
    const names = this.names();
    for (const event of events) requireEnrolled(event, names);
    return this.ledger.seal(events);
  }

  stored(): void {
    this.ledger.stored();
  }

  document(bytes: Uint8Array): Promise<Digest> {
    return this.ledger.document(bytes);
  }

  readDocument(digest: Digest): Promise<Uint8Array> {
    return this.ledger.readDocument(digest);
  }
}
