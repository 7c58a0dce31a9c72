import type { CoordinatorEvent, TileLog } from '@consilium/ledger';
import { Fault, fromUtf8, invariant, toHex, type Digest } from '@consilium/stdx';
import type { LedgerRow, LedgerRows } from '../ports.js';
import { yearOfShard, type ShardId } from './shard-id.js';

export interface ShardParts {
  readonly rows: LedgerRows;
  /** Opens the log of a shard, with all that is published of it. */
  readonly openLog: (shard: ShardId) => Promise<TileLog>;
  readonly seal: (event: CoordinatorEvent) => LedgerRow;
}

/** Entries at the end of a log that are compared with their rows at each start. */
const COMPARED = 256;

/** The coordinator's logs, one for each UTC year, of which only the newest grows. */
export class Shards {
  readonly #logs = new Map<ShardId, Promise<TileLog>>();
  readonly #opened: ShardId[];

  private constructor(
    private readonly parts: ShardParts,
    opened: readonly ShardId[],
  ) {
    this.#opened = [...opened];
  }

  /**
   * Opens what there is, or `first`. Faults: LEDGER_CORRUPT when rows and tiles say different things, LEDGER_ROLLED_BACK
   * when more was published than the database has: it was restored from an old copy.
   */
  static async open(parts: ShardParts, first: ShardId): Promise<Shards> {
    const known = await parts.rows.shards();
    const shards = new Shards(
      parts,
      known.map(({ shard }) => shard),
    );
    const newest = known.at(-1);
    if (newest) await shards.#requireRows(newest.shard, newest.size);
    else await shards.begin(first, 'first');
    return shards;
  }

  /** Oldest first. */
  get all(): readonly ShardId[] {
    return this.#opened;
  }

  get newest(): ShardId {
    return this.#opened.at(-1)!;
  }

  /** NOT_FOUND for a shard that was never opened. */
  async log(shard: ShardId): Promise<TileLog> {
    if (!this.#opened.includes(shard)) throw new Fault('NOT_FOUND', { shard });
    return this.#logOf(shard);
  }

  /** Opens a shard; its first entry names the final checkpoint of the one before, and how many entries a restore gives up. */
  async begin(shard: ShardId, reason: 'first' | 'year' | 'restore', lost = 0): Promise<void> {
    const before = this.#opened.length ? await this.log(this.newest) : undefined;
    invariant(!before || shard > this.newest, 'shards follow each other');
    if ((await this.#logOf(shard)).size > 0) throw new Fault('LEDGER_ROLLED_BACK', { shard });
    const predecessor = before ? { size: before.size, root: toHex(before.rootAt(before.size)) as Digest } : null;
    const opened = { type: 'shard.opened', year: yearOfShard(shard), predecessor, reason, lost } as const;
    await this.parts.rows.open(shard, this.parts.seal(opened));
    this.#opened.push(shard);
  }

  #logOf(shard: ShardId): Promise<TileLog> {
    const open = this.#logs.get(shard) ?? this.parts.openLog(shard);
    this.#logs.set(shard, open);
    return open;
  }

  async #requireRows(shard: ShardId, size: number): Promise<void> {
    const log = await this.log(shard);
    if (log.size > size) throw new Fault('LEDGER_ROLLED_BACK', { shard, rows: size, published: log.size });
    let at = Math.max(0, log.size - COMPARED);
    const rows = (await this.parts.rows.read(shard, at, log.size)).values();
    for await (const entry of log.entries(at, log.size)) {
      if (rows.next().value !== fromUtf8(entry)) throw new Fault('LEDGER_CORRUPT', { shard, entry: at });
      at++;
    }
  }
}
