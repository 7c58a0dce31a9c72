import type { CoordinatorEvent } from '@consilium/ledger';
import type { Digest, Fault } from '@consilium/stdx';
import type { LedgerRow } from '../ports.js';

/**
 * Where everything that the coordinator does is written down before its effect shows. An event is durable when `record`
 * answers; the tree over it is built soon after by one integrator, and nothing that needs evidence leaves before that.
 */
export interface Ledger {
  /** What keeps it from being written now: a full disk, a broken one, or that its past is in doubt. Then nothing may happen. */
  readonly trouble: Fault | undefined;
  /** The event as a row in a transaction of its own. Refuses with what keeps it from being durable; then do not act. */
  record(event: CoordinatorEvent): Promise<void>;
  /**
   * The events as rows, for a store that keeps them in the transaction of what they tell; call `stored` after it. Throws
   * what keeps the ledger from being written (DISK_FULL, LEDGER_UNWRITABLE, LEDGER_ROLLED_BACK …); then do not act.
   */
  seal(events: readonly CoordinatorEvent[]): readonly LedgerRow[];
  /** Rows were stored by somebody's transaction: they are hashed soon. */
  stored(): void;
  /** Keeps a document by the SHA-256 of its bytes and answers it; durable then, and the same bytes again are harmless. */
  document(bytes: Uint8Array): Promise<Digest>;
  /** NOT_FOUND for a digest that it does not have; LEDGER_CORRUPT when the bytes are not those of the digest. */
  readDocument(digest: Digest): Promise<Uint8Array>;
}
