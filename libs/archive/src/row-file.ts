import { leafHash } from '@consilium/ledger';
import { canonicalJson, Fault, fromUtf8, toHex, utf8 } from '@consilium/stdx';
import type { Files } from './files.js';
import { isShardName } from './shard.js';

/** Where the rows of a file belong: to this shard, from this index on. */
export interface RowPlace {
  readonly shard: string;
  /** The index in the shard of the file's first row. */
  readonly from: number;
}

/**
 * The entries that no checkpoint covers yet, as lines of canonical JSON (RFC 8785): first the place, then for each entry
 * the entry and its leaf hash. A row is on disk when `append` resolves. Reading cuts off the half line that a crash may
 * have left, which nobody was told was there, and refuses any other damage with LEDGER_CORRUPT.
 */
export class RowFile {
  #broken: Fault | undefined;

  private constructor(
    private readonly files: Files,
    private readonly path: string,
    private place: RowPlace,
    private entries: readonly Uint8Array[],
    private length: number,
  ) {}

  /** Opens the file; undefined where there is none. */
  static async open(files: Files, path: string): Promise<RowFile | undefined> {
    const bytes = await files.read(path);
    if (!bytes) return undefined;
    const whole = bytes.lastIndexOf(LINE_FEED) + 1;
    const [first, ...lines] = textOf(bytes.subarray(0, whole)).split('\n').slice(0, -1);
    const file = new RowFile(files, path, readPlace(first ?? ''), lines.map(readRow), whole);
    if (whole < bytes.byteLength) await files.truncate(path, whole);
    return file;
  }

  /** Begins the file, in place of any other of this name, at once whole or not at all. */
  static async begin(files: Files, path: string, place: RowPlace, rows: readonly Uint8Array[]): Promise<RowFile> {
    const file = new RowFile(files, path, place, [], 0);
    await file.#replace(place, rows);
    return file;
  }

  get shard(): string {
    return this.place.shard;
  }

  /** The index in the shard of the first row. */
  get from(): number {
    return this.place.from;
  }

  get rows(): readonly Uint8Array[] {
    return this.entries;
  }

  /**
   * @throws DISK_FULL, after which the file is as before; LEDGER_UNWRITABLE, and then again for every later append until
   *   the file is opened anew
   */
  async append(rows: readonly Uint8Array[]): Promise<void> {
    const lines = utf8(rows.map(writeRow).join(''));
    await this.#guarded(() => this.files.append(this.path, this.length, lines));
    this.entries = [...this.entries, ...rows];
    this.length += lines.byteLength;
  }

  /** Forgets the first `n` rows, which now stand in the shard's tiles. */
  async takeIntegrated(n: number): Promise<void> {
    if (n > 0) await this.#replace({ ...this.place, from: this.place.from + n }, this.entries.slice(n));
  }

  async #replace(place: RowPlace, rows: readonly Uint8Array[]): Promise<void> {
    const bytes = utf8(`${canonicalJson({ from: place.from, shard: place.shard })}\n${rows.map(writeRow).join('')}`);
    await this.#guarded(() => this.files.write(this.path, bytes));
    this.place = place;
    this.entries = rows;
    this.length = bytes.byteLength;
  }

  async #guarded(write: () => Promise<void>): Promise<void> {
    if (this.#broken) throw this.#broken;
    try {
      await write();
    } catch (error) {
      if (Fault.is(error, 'DISK_FULL')) throw error;
      throw (this.#broken = Fault.from(error, 'LEDGER_UNWRITABLE'));
    }
  }
}

const LINE_FEED = 0x0a;

/** An entry is canonical JSON already and holds no line feed, so it stands in the line as it is hashed. */
const writeRow = (entry: Uint8Array): string => `{"entry":${fromUtf8(entry)},"leaf":"${toHex(leafHash(entry))}"}\n`;

function readRow(line: string, index: number): Uint8Array {
  const [, text, leaf] = /^\{"entry":(.*),"leaf":"([0-9a-f]{64})"\}$/.exec(line) ?? [];
  const entry = utf8(text ?? '');
  if (text === undefined || toHex(leafHash(entry)) !== leaf) throw corrupt('row', index);
  return entry;
}

function readPlace(line: string): RowPlace {
  const [, from, shard] = /^\{"from":(0|[1-9]\d{0,15}),"shard":"([^"]*)"\}$/.exec(line) ?? [];
  if (from === undefined || shard === undefined || !isShardName(shard)) throw corrupt('first line of the rows', 0);
  return { shard, from: Number(from) };
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (error) {
    throw new Fault('LEDGER_CORRUPT', { what: 'rows are not UTF-8' }, error);
  }
}

const corrupt = (what: string, row: number): Fault => new Fault('LEDGER_CORRUPT', { what, row });
