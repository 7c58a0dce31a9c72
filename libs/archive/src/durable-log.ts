import { randomBytes } from 'node:crypto';
import {
  readEntry,
  sealEntry,
  TileLog,
  type EntryFor,
  type EventFor,
  type Hash,
  type LogKind,
  type Signer,
} from '@consilium/ledger';
import { Fault, invariant, toHex, type Clock, type Digest } from '@consilium/stdx';
import { diskFiles } from './disk.js';
import type { Files } from './files.js';
import { opensslHash } from './hash.js';
import { RowFile } from './row-file.js';
import { isShardName, nextShard, shardPlace, sortShards, yearOf } from './shard.js';

export interface DurableLogSettings<Kind extends LogKind> {
  readonly kind: Kind;
  /** The origin without its last part, for example `lung/site/charite`; each shard adds its own name. */
  readonly origin: string;
  readonly signer: Signer;
  readonly clock: Pick<Clock, 'now'>;
  /** Keys that signed before this one. */
  readonly formerKeys?: readonly Uint8Array[];
  /** 16 random bytes in hexadecimal. */
  readonly salt?: () => string;
  readonly hash?: Hash;
}

/** The file, beside the shards, of the entries that no checkpoint covers yet. */
export const ROWS = 'rows.jsonl';
/** So many rows are integrated without being asked, so that neither the file nor a restart grows with the time. */
const ROWS_MAX = 1000;
/** So many callers may wait for the disk at once. */
const WAITING_MAX = 10_000;

/**
 * A log as a program's durable memory: rows first, tiles later. `record` answers when the entry is on disk; whoever
 * then acts can be killed at any moment, since the next start finds the entry in `entries()`. Integrating rows into
 * tiles may be killed and done again at any moment too: the rows are forgotten only after the checkpoint that covers
 * them is on disk, and what a checkpoint covers is compared with them.
 */
export class DurableLog<Kind extends LogKind> {
  #waiting: Waiting[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #broken: Fault | undefined;

  private constructor(
    private readonly files: Files,
    private readonly settings: Required<DurableLogSettings<Kind>>,
    private readonly past: TileLog[],
    private rows: RowFile,
    private tiles: TileLog,
  ) {}

  /** Opens the log in a folder, or starts one where there is nothing; everything it holds is hashed again. */
  static open<Kind extends LogKind>(
    settings: DurableLogSettings<Kind> & { readonly folder: string },
  ): Promise<DurableLog<Kind>> {
    return DurableLog.over(diskFiles(settings.folder), settings);
  }

  /** The same over any files. */
  static async over<Kind extends LogKind>(files: Files, given: DurableLogSettings<Kind>): Promise<DurableLog<Kind>> {
    const settings = { formerKeys: [], salt: randomSalt, hash: opensslHash, ...given };
    const shards = sortShards((await files.list()).filter(isShardName));
    const rows = (await RowFile.open(files, ROWS)) ?? (await begin(files, shards, settings));
    const earlier = shards.filter((name) => name !== rows.shard);
    if (sortShards([...earlier, rows.shard]).at(-1) !== rows.shard) throw corrupt('rows of an older shard');
    const past: TileLog[] = [];
    for (const name of earlier) past.push(await openShard(files, name, settings));
    const log = new DurableLog<Kind>(files, settings, past, rows, await openShard(files, rows.shard, settings));
    await log.#requireWhole();
    return log;
  }

  /** The newest shard, as far as a checkpoint covers it: for proofs, and to add cosignatures. */
  get shard(): TileLog {
    return this.tiles;
  }

  /** The shards before it, oldest first. */
  get earlierShards(): readonly TileLog[] {
    return this.past;
  }

  /**
   * Adds an entry; it is on disk when this resolves. Entries recorded at the same time are flushed together, in order.
   * @throws LEDGER_ENTRY_INVALID, and DISK_FULL, after which nothing was recorded and one may try again; OVERLOADED when
   *   too many wait; any other failure to write stands, for this and all later entries, until the log is opened again
   */
  async record(event: EventFor<Kind>): Promise<EntryFor<Kind>> {
    const { kind, clock, salt } = this.settings;
    const at = clock.now();
    const bytes = sealEntry(event, { kind, at, salt: salt() });
    if (this.#waiting.length >= WAITING_MAX) throw new Fault('OVERLOADED', { waiting: this.#waiting.length });
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ bytes, year: yearOf(at), resolve, reject });
      if (this.#waiting.length === 1) this.#turn = this.#turn.then(() => this.#flush());
    });
    return readEntry(bytes, kind);
  }

  /** Puts everything recorded until now under a signed checkpoint, and gives its note. */
  checkpoint(): Promise<string> {
    return this.#inTurn(async () => {
      await this.#integrate();
      return this.tiles.note;
    });
  }

  /** All entries of all shards, in order: what a program folds its state from. */
  async *entries(): AsyncGenerator<EntryFor<Kind>> {
    const { kind } = this.settings;
    for (const shard of [...this.past, this.tiles])
      for await (const entry of shard.entries()) yield readEntry(entry, kind);
    for (const entry of this.#pending()) yield readEntry(entry, kind);
  }

  /**
   * Goes on in a new shard after this log was restored from an old copy, whose witnesses remember `lost` entries more.
   * The new shard says so in its first entry; nothing is signed in the old one any more.
   */
  restore(lost: number): Promise<void> {
    return this.#inTurn(() => this.#openNext(yearOf(this.settings.clock.now()), 'restore', lost));
  }

  /** Waits for what was recorded; afterwards nothing more can be. */
  async close(): Promise<void> {
    await this.#turn;
    this.#broken ??= new Fault('CANCELLED');
  }

  /** Writes down all that waits and tells each caller; never rejects. */
  async #flush(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      await this.#guarded(() => this.#write(batch));
    } catch (error) {
      for (const { reject } of batch) reject(error); // without effect on those that were told already
    }
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    for (let done = 0; done < batch.length;) {
      const { year } = batch[done]!;
      const other = batch.findIndex((entry, i) => i > done && entry.year !== year);
      const group = batch.slice(done, other < 0 ? undefined : other);
      if (nextShard(this.rows.shard, year, 'year')) await this.#openNext(year, 'year', 0);
      await this.rows.append(group.map(({ bytes }) => bytes));
      for (const { resolve } of group) resolve();
      done += group.length;
    }
    if (this.#pending().length >= ROWS_MAX) await this.#integrate();
  }

  /** Entries that no checkpoint covers. A crash may have left rows that one does. */
  #pending(): readonly Uint8Array[] {
    return this.rows.rows.slice(this.tiles.size - this.rows.from);
  }

  async #integrate(): Promise<void> {
    await this.tiles.integrate(this.#pending());
    try {
      await this.rows.takeIntegrated(this.tiles.size - this.rows.from);
    } catch (error) {
      if (!Fault.is(error, 'DISK_FULL')) throw error; // the checkpoint is there; the rows are forgotten the next time
    }
  }

  async #openNext(year: number, reason: 'year' | 'restore', lost: number): Promise<void> {
    const { settings, files } = this;
    if (reason === 'year') await this.#integrate();
    const name = nextShard(this.rows.shard, year, reason);
    invariant(name, 'a shard follows the one before');
    // An old copy signs nothing more under its old name, where witnesses have seen another history: what it had not
    // signed yet goes on in the new shard. A shard of which nothing was signed never was: its gap counts with the next.
    const wasSigned = this.tiles.size > 0;
    const carried = wasSigned ? this.#pending() : this.#pending().slice(1);
    const last = wasSigned ? this.tiles : this.past.at(-1);
    const predecessor = last ? { size: last.size, root: toHex(last.checkpoint.root) as Digest } : null;
    const gap = lost + (wasSigned ? 0 : lostBefore(this.rows.rows[0], settings.kind));
    const opening = shardOpening({ year: shardPlace(name).year, predecessor, reason, lost: gap }, settings);
    const tiles = await openShard(files, name, settings);
    if (tiles.size > 0) throw corrupt('a shard was opened already');
    this.rows = await RowFile.begin(files, ROWS, { shard: name, from: 0 }, [opening, ...carried]);
    if (wasSigned) this.past.push(this.tiles);
    this.tiles = tiles;
  }

  /** The rows go on where the tiles end, and each shard where the one before ended. */
  async #requireWhole(): Promise<void> {
    const { rows, tiles } = this;
    if (tiles.size < rows.from) throw corrupt('entries that a checkpoint covered are missing');
    if (tiles.size > rows.from + rows.rows.length) throw corrupt('rows are older than the checkpoint');
    let index = 0;
    for await (const entry of tiles.entries(rows.from)) {
      if (toHex(entry) !== toHex(rows.rows[index++]!)) throw corrupt('a row is not its entry');
    }
    let before: TileLog | undefined;
    for (const shard of [...this.past, tiles]) {
      const first = shard.size > 0 ? await shard.entry(0) : rows.rows[0];
      requireFollows(first, before, this.settings.kind);
      before = shard;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => this.#guarded(work));
    this.#turn = result.catch(() => {}); // each caller learns of its own failure
    return result;
  }

  /** Anything but a full disk stops the log until it is opened again. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#broken) throw this.#broken;
    try {
      return await work();
    } catch (error) {
      if (!Fault.is(error, 'DISK_FULL')) this.#broken = Fault.from(error, 'LEDGER_UNWRITABLE');
      throw this.#broken ?? error;
    }
  }
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly year: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Complete = Required<DurableLogSettings<LogKind>>;

const openShard = (files: Files, name: string, settings: Complete): Promise<TileLog> =>
  TileLog.open({ ...settings, origin: `${settings.origin}/${name}`, storage: files.within(name) });

async function begin(files: Files, shards: readonly string[], settings: Complete): Promise<RowFile> {
  // Whoever takes the rows away would make the program forget what it has promised.
  if (shards.length > 0) throw corrupt('the rows are missing');
  const year = yearOf(settings.clock.now());
  const opening = shardOpening({ year, predecessor: null, reason: 'first', lost: 0 }, settings);
  return RowFile.begin(files, ROWS, { shard: String(year), from: 0 }, [opening]);
}

type Opening = Extract<EventFor<LogKind>, { type: 'shard.opened' }>;

const shardOpening = (event: Omit<Opening, 'type'>, { kind, clock, salt }: Complete): Uint8Array =>
  sealEntry<LogKind>({ type: 'shard.opened', ...event }, { kind, at: clock.now(), salt: salt() });

/** The gap that the opening of a shard names. */
function lostBefore(opening: Uint8Array | undefined, kind: LogKind): number {
  const entry = opening && readEntry(opening, kind);
  return entry?.type === 'shard.opened' ? entry.lost : 0;
}

function requireFollows(first: Uint8Array | undefined, before: TileLog | undefined, kind: LogKind): void {
  const entry = first && readEntry(first, kind);
  if (entry?.type !== 'shard.opened') throw corrupt('a shard does not open');
  const named = entry.predecessor;
  const expected = before && { size: before.size, root: toHex(before.checkpoint.root) };
  if (named?.size !== expected?.size || named?.root !== expected?.root)
    throw corrupt('a shard does not go on from the one before');
}

const corrupt = (what: string): Fault => new Fault('LEDGER_CORRUPT', { what });
const randomSalt = (): string => randomBytes(16).toString('hex');
