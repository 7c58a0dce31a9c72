import type { SiteEvent } from '@consilium/ledger';

/** `ledger`: checkpoints and cosignatures, both ways. `keepalive`: the handshake of a session. */
export type TalliedKind = 'ledger' | 'keepalive';
type Direction = 'egress' | 'ingress';

/**
 * Counts the messages that carry nothing of a site's data, so that the log's own traffic does not fill the log: their
 * sum is one entry for each kind and direction, when the session ends and when a run does. The count is kept in
 * memory: what a killed agent had counted since the last sum is lost, and only that.
 */
export class Tally {
  readonly #sums = new Map<`${Direction} ${TalliedKind}`, { messages: number; bytes: number }>();

  constructor(private readonly ledger: { write(event: SiteEvent): Promise<void> }) {}

  sent(kind: TalliedKind, bytes: number): void {
    this.#add('egress', kind, bytes);
  }

  received(kind: TalliedKind, bytes: number): void {
    this.#add('ingress', kind, bytes);
  }

  /** Writes the sums to the log and begins anew; what could not be written is counted on. */
  async settle(): Promise<void> {
    for (const [name, { messages, bytes }] of [...this.#sums]) {
      this.#sums.delete(name);
      const [direction, kind] = name.split(' ') as [Direction, TalliedKind];
      try {
        await this.ledger.write({ type: `${direction}.summed`, kind, messages, bytes });
      } catch (error) {
        this.#add(direction, kind, bytes, messages);
        throw error;
      }
    }
  }

  #add(direction: Direction, kind: TalliedKind, bytes: number, messages = 1): void {
    const sum = this.#sums.get(`${direction} ${kind}`) ?? { messages: 0, bytes: 0 };
    this.#sums.set(`${direction} ${kind}`, { messages: sum.messages + messages, bytes: sum.bytes + bytes });
  }
}
