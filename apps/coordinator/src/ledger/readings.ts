import type { CoordinatorEvent } from '@consilium/ledger';
import type { Clock } from '@consilium/stdx';
import type { PersonId } from '../people/person-id.js';
import type { Ledger } from './ledger.js';

type Page = Extract<CoordinatorEvent, { type: 'audit.read' }>['page'];

/** Reading one log takes thousands of requests for its files: those of one kind within this time are one reading. */
const ONE_READING_MS = 60_000;
/** Readers that are remembered; beyond it the oldest is told again. */
const REMEMBERED_MAX = 1000;

/** Writes down who reads the audit, before they are answered: the watchers are watched too. */
export class Readings {
  readonly #told = new Map<string, number>();

  constructor(
    private readonly ledger: Pick<Ledger, 'record'>,
    private readonly clock: Clock,
  ) {}

  /** Every look at a checkpoint is an entry; files that hang together are told once in a minute. */
  async read(person: PersonId, page: Page): Promise<void> {
    const key = `${person} ${page}`;
    const nowMs = this.clock.monotonic();
    if (page !== 'checkpoint' && nowMs - (this.#told.get(key) ?? -Infinity) < ONE_READING_MS) return;
    await this.ledger.record({ type: 'audit.read', person, page });
    this.#told.delete(key);
    if (this.#told.size >= REMEMBERED_MAX) this.#told.delete(this.#told.keys().next().value!);
    this.#told.set(key, nowMs);
  }
}
