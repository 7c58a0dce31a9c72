import { requireEnrolled, sealEntry, type CoordinatorEvent } from '@consilium/ledger';
import { fromUtf8, type Clock, type Digest, type Fault } from '@consilium/stdx';
import type { LedgerRow, LedgerRows } from '../ports.js';
import { subjectOf } from '../runs/events.js';
import type { Halt } from './halt.js';
import type { Integrator } from './integrator.js';
import type { Ledger } from './ledger.js';

export interface Documents {
  put(bytes: Uint8Array): Promise<Digest>;
  get(digest: Digest): Promise<Uint8Array>;
}

export interface RowLedgerParts {
  readonly rows: LedgerRows;
  readonly documents: Documents;
  readonly integrator: Pick<Integrator, 'failure' | 'soon'>;
  readonly halt: Halt;
  readonly seal: (event: CoordinatorEvent) => LedgerRow;
}

const ENROLLING: ReadonlySet<CoordinatorEvent['type']> = new Set(['site.admitted', 'cert.issued']);

/** The ledger on rows: what a store keeps in its own transaction, and what {@link record} keeps in one of its own. */
export class RowLedger implements Ledger {
  #enrolled: (() => ReadonlySet<string>) | undefined;

  constructor(private readonly parts: RowLedgerParts) {}

  /**
   * From now on an entry names only these sites, or is refused with LEDGER_ID_NOT_ENROLLED. The entries by which a site
   * becomes one name it before it is.
   */
  restrictTo(enrolled: () => ReadonlySet<string>): void {
    this.#enrolled = enrolled;
  }

  get trouble(): Fault | undefined {
    return this.parts.halt.why ?? this.parts.integrator.failure;
  }

  async record(event: CoordinatorEvent): Promise<void> {
    await this.parts.rows.append(this.seal([event]));
    this.stored();
  }

  seal(events: readonly CoordinatorEvent[]): readonly LedgerRow[] {
    if (this.trouble) throw this.trouble;
    for (const event of events) {
      if (this.#enrolled && !ENROLLING.has(event.type)) requireEnrolled(event, this.#enrolled());
    }
    return events.map(this.parts.seal);
  }

  stored(): void {
    this.parts.integrator.soon();
  }

  document(bytes: Uint8Array): Promise<Digest> {
    return this.parts.documents.put(bytes);
  }

  readDocument(digest: Digest): Promise<Uint8Array> {
    return this.parts.documents.get(digest);
  }
}

/** Seals events with the clock's time and fresh salt: 16 random bytes, in hexadecimal. */
export const sealer =
  (clock: Clock, salt: () => string) =>
  (event: CoordinatorEvent): LedgerRow => ({
    entry: fromUtf8(sealEntry(event, { kind: 'coordinator', at: Math.max(0, Math.floor(clock.now())), salt: salt() })),
    subject: subjectOf(event),
  });
