import { Fault, invariant, utf8 } from '@consilium/stdx';
import { attempt } from './attempt.js';
import { checkpointText, openCheckpoint, signCheckpoint, type Checkpoint } from './checkpoint.js';
import { cosignaturesOf } from './cosignature.js';
import { findingFault } from './finding.js';
import { emptyRoot, plainHash, sameBytes, type Hash } from './hash.js';
import { inspect } from './inspect.js';
import { MerkleTree } from './merkle.js';
import { mergeSignatures, noteText } from './note.js';
import { readBack } from './read-back.js';
import type { LogStorage } from './storage.js';
import {
  CHECKPOINT_PATH,
  decodeEntryBundle,
  encodeEntryBundle,
  entryBundles,
  hashTiles,
  TILE_HEIGHT,
  TILE_WIDTH,
  tilePath,
  type Tile,
} from './tiles.js';
import { LOG_SIGNATURE, verifierKey, type Signer, type VerifierKey } from './verifier-key.js';

export interface TileLogSettings {
  readonly origin: string;
  readonly signer: Signer;
  readonly storage: LogStorage;
  /** Keys that this log signed with before it was rekeyed; a checkpoint of theirs may still be the newest. */
  readonly formerKeys?: readonly Uint8Array[];
  readonly hash?: Hash;
}

/**
 * One shard of a log, as its only writer has it. What is signed has been read back from the storage and hashed again,
 * on top of the past that was signed before: the log never signs a smaller or a different past, and stops for good
 * (until it is opened again) when the storage gives back anything else than what was written.
 */
export class TileLog {
  readonly #settings: Required<Omit<TileLogSettings, 'formerKeys'>>;
  readonly #tree: MerkleTree;
  /** The entries of the last bundle as long as it is partial. */
  #partial: readonly Uint8Array[];
  #signed: { readonly note: string; readonly checkpoint: Checkpoint } | undefined;
  #broken: Fault | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    settings: Required<Omit<TileLogSettings, 'formerKeys'>>,
    tree: MerkleTree,
    partial: readonly Uint8Array[],
    signed: { note: string; checkpoint: Checkpoint } | undefined,
  ) {
    this.#settings = settings;
    this.#tree = tree;
    this.#partial = partial;
    this.#signed = signed;
  }

  /**
   * Opens the log, or starts one where there is no checkpoint. Every entry is hashed again.
   * @throws LEDGER_CORRUPT when the files do not add up to the checkpoint, or the checkpoint is not this log's own
   */
  static async open({ origin, signer, storage, formerKeys = [], hash = plainHash }: TileLogSettings): Promise<TileLog> {
    const settings = { origin, signer, storage, hash };
    const file = await storage.read(CHECKPOINT_PATH);
    if (!file) return new TileLog(settings, new MerkleTree(hash), [], undefined);
    const keys = [signer.publicKey, ...formerKeys].map((key) => verifierKey(origin, LOG_SIGNATURE, key));
    const { note, checkpoint } = openOwn(file, keys);
    const partial: Uint8Array[] = [];
    const firstPartial = checkpoint.size - (checkpoint.size % TILE_WIDTH);
    const visit = (entry: Uint8Array, index: number): void => {
      if (index >= firstPartial) partial.push(entry.slice());
    };
    const inspection = inspect({ read: storage.read.bind(storage), checkpoint, hash, visit });
    const step = await inspection.next();
    if (!step.done) throw findingFault(step.value);
    const log = new TileLog(settings, step.value, partial, { note, checkpoint });
    await log.#removePartials(checkpoint.size - TILE_WIDTH);
    return log;
  }

  get origin(): string {
    return this.#settings.origin;
  }

  /** How many entries the newest checkpoint covers. */
  get size(): number {
    return this.#signed?.checkpoint.size ?? 0;
  }

  /** The newest checkpoint with all cosignatures known; empty before the first one. */
  get note(): string {
    return this.#signed?.note ?? '';
  }

  /** The same without its signatures; the empty tree before the first one. */
  get checkpoint(): Checkpoint {
    return this.#signed?.checkpoint ?? { origin: this.origin, size: 0, root: emptyRoot() };
  }

  /**
   * Appends entries and signs the new checkpoint: tiles first, flushed, read back and hashed again; then the signature;
   * then the checkpoint, flushed. `from` is the index of the first of them. Calls run one after the other.
   * @throws DISK_FULL, after which the log is as before and takes entries again; LEDGER_CORRUPT and LEDGER_UNWRITABLE,
   *   after which it takes none until it is opened again
   */
  integrate(entries: readonly Uint8Array[]): Promise<{ from: number; size: number; note: string }> {
    return this.#inTurn(async () => {
      const from = this.size;
      if (entries.length === 0 && this.#signed) return { from, size: from, note: this.#signed.note };
      for (const entry of entries) this.#tree.append(entry);
      const size = this.#tree.size;
      const whole = [...this.#partial, ...entries];
      const files = this.#files(from, whole);
      await this.#write(files);
      await readBack({ ...this.#settings, tree: this.#tree, from, signed: this.#signed });
      const checkpoint = { origin: this.origin, size, root: this.#tree.root() };
      const note = signCheckpoint(checkpoint, this.#settings.signer);
      await this.#settings.storage.write(CHECKPOINT_PATH, utf8(note));
      this.#signed = { note, checkpoint };
      this.#partial = whole.slice(whole.length - (size % TILE_WIDTH)).map((entry) => entry.slice());
      await this.#removePartials(from);
      return { from, size, note };
    });
  }

  /**
   * Adds cosignature lines to the newest checkpoint. A line that is not of one of these witnesses, or not over this
   * very checkpoint (it may have grown meanwhile), is left out, since it would spoil the note for everybody.
   * @returns the names of the witnesses whose lines were added
   */
  addCosignatures(lines: readonly string[], witnesses: readonly VerifierKey[]): Promise<string[]> {
    return this.#inTurn(async () => {
      invariant(this.#signed, 'only a signed checkpoint is cosigned');
      const { note, checkpoint } = this.#signed;
      const added = cosignaturesOf(checkpointText(checkpoint), lines, witnesses);
      if (added.size > 0) {
        const merged = mergeSignatures(note, [...added.values()]);
        await this.#settings.storage.write(CHECKPOINT_PATH, utf8(merged));
        this.#signed = { note: merged, checkpoint };
      }
      return [...added.keys()];
    });
  }

  inclusionProof(index: number, size = this.size): Uint8Array[] {
    return this.#tree.inclusionProof(index, this.#known(size));
  }

  consistencyProof(oldSize: number, size = this.size): Uint8Array[] {
    return this.#tree.consistencyProof(oldSize, this.#known(size));
  }

  rootAt(size: number): Uint8Array {
    return this.#tree.root(this.#known(size));
  }

  /**
   * Refuses to go on from a past that is not the one somebody has seen before: LEDGER_ROLLED_BACK when the log is
   * shorter than the checkpoint that a witness holds of it (a restored snapshot), LEDGER_FORKED when it differs.
   */
  requireExtends(seen: Checkpoint): void {
    invariant(seen.origin === this.origin, 'a log is compared with its own checkpoints');
    if (seen.size > this.size) throw new Fault('LEDGER_ROLLED_BACK', { size: this.size, witnessed: seen.size });
    if (!sameBytes(this.rootAt(seen.size), seen.root)) throw new Fault('LEDGER_FORKED', { size: seen.size });
  }

  /** One entry's bytes. */
  async entry(index: number): Promise<Uint8Array> {
    for await (const entry of this.entries(index, index + 1)) return entry;
    throw new Fault('NOT_FOUND', { index, size: this.size });
  }

  /** The entries in [from, to), bundle by bundle. */
  async *entries(from = 0, to = this.size): AsyncGenerator<Uint8Array> {
    const size = this.size;
    const end = Math.min(to, size);
    for (let first = from - (from % TILE_WIDTH); first < end; first += TILE_WIDTH) {
      const width = Math.min(TILE_WIDTH, size - first);
      const bundle = await this.#settings.storage.read(tilePath('entries', first / TILE_WIDTH, width));
      if (!bundle) throw new Fault('LEDGER_CORRUPT', { what: 'bundle missing', entry: first });
      yield* decodeEntryBundle(bundle, width).slice(Math.max(from - first, 0), end - first);
    }
  }

  /** A size that a checkpoint has covered: leaves beyond it may yet be taken away again. */
  #known(size: number): number {
    invariant(size <= this.size, 'the log has had this size');
    return size;
  }

  #files(from: number, whole: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
    const base = from - (from % TILE_WIDTH);
    const bundle = ({ index, width }: Tile): Uint8Array =>
      encodeEntryBundle(whole.slice(index * TILE_WIDTH - base, index * TILE_WIDTH - base + width));
    const hashes = ({ level, index, width }: Tile): Uint8Array =>
      this.#tree.hashes((level as number) * TILE_HEIGHT, index * TILE_WIDTH, width);
    const { size } = this.#tree;
    return new Map([
      ...entryBundles(size, from).map((tile) => [pathOf(tile), bundle(tile)] as const),
      ...hashTiles(size, from).map((tile) => [pathOf(tile), hashes(tile)] as const),
    ]);
  }

  async #write(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const { storage } = this.#settings;
    if (storage.writeAll) return storage.writeAll(files);
    for (const [path, bytes] of files) await storage.write(path, bytes);
  }

  /** Takes away the partial tiles that stood where full ones have come since the log had `from` entries. */
  async #removePartials(from: number): Promise<void> {
    const { storage } = this.#settings;
    const { size } = this;
    const full = [...hashTiles(size, Math.max(from, 0)), ...entryBundles(size, Math.max(from, 0))].filter(
      ({ width }) => width === TILE_WIDTH,
    );
    for (const { level, index } of full) await storage.remove?.(`${tilePath(level, index)}.p`);
  }

  /** One after the other; a failure takes back what was appended, and anything but a full disk stops the log. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      if (this.#broken) throw this.#broken;
      try {
        return await work();
      } catch (error) {
        this.#tree.truncate(this.size);
        if (!Fault.is(error, 'DISK_FULL')) this.#broken = Fault.from(error, 'LEDGER_UNWRITABLE');
        throw this.#broken ?? error;
      }
    });
    this.#turn = result.catch(() => {}); // each caller learns of its own failure
    return result;
  }
}

/** A log's own checkpoint that it cannot read again was damaged on its disk. */
function openOwn(file: Uint8Array, keys: readonly VerifierKey[]): { note: string; checkpoint: Checkpoint } {
  const { value, fault } = attempt(() => {
    const note = noteText(file);
    return { note, checkpoint: openCheckpoint(note, keys, []).checkpoint };
  });
  if (fault) throw new Fault('LEDGER_CORRUPT', { what: 'checkpoint', because: fault.code }, fault);
  return value;
}

const pathOf = ({ level, index, width }: Tile): string => tilePath(level, index, width);
