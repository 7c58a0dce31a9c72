import { toHex } from '@consilium/stdx';
import { attempt } from './attempt.js';
import type { Checkpoint } from './checkpoint.js';
import type { Finding } from './finding.js';
import { HASH_BYTES, leafHash, plainHash, sameBytes, type Hash } from './hash.js';
import { MerkleTree } from './merkle.js';
import type { ReadLogFile } from './storage.js';
import {
  CHECKPOINT_PATH,
  decodeEntryBundle,
  entryBundles,
  hashTiles,
  TILE_HEIGHT,
  TILE_WIDTH,
  tilePath,
  type Tile,
} from './tiles.js';

export interface Inspection {
  readonly read: ReadLogFile;
  /** What the files must add up to. */
  readonly checkpoint: Checkpoint;
  readonly hash?: Hash;
  /** Called with each entry that can be read, in order. */
  readonly visit?: (entry: Uint8Array, index: number) => void;
}

/** No shard comes near it; a log that claims more would have its reader reserve memory for nothing. */
export const ENTRIES_MAX = 2 ** 24;

/**
 * Reads every file below a checkpoint, hashes every entry again, and yields whatever does not fit: a file that is
 * missing or has another length, a hash that is not its entry's, a tile that does not follow from the one below, a
 * root that is not the signed one. Returns the tree over the entries, or over the stored hashes where there are none.
 */
export async function* inspect(inspection: Inspection): AsyncGenerator<Finding, MerkleTree> {
  const { read, checkpoint, hash = plainHash, visit } = inspection;
  const { origin, size, root } = checkpoint;
  const tree = new MerkleTree(hash);
  const problem = (path: string, expected: string, found: string): Finding => ({
    code: 'LEDGER_CORRUPT',
    entry: `${origin}/${path}`,
    expected,
    found,
  });

  if (size > ENTRIES_MAX) {
    yield problem(CHECKPOINT_PATH, `at most ${ENTRIES_MAX} entries`, `${size} entries`);
    return tree;
  }
  for (const bundle of entryBundles(size)) {
    const first = bundle.index * TILE_WIDTH;
    const entries = yield* readEntries(bundle);
    const stored = yield* readHashes({ ...bundle, level: 0 });
    for (let i = 0; i < bundle.width; i++) {
      const entry = entries?.[i];
      const claimed = stored?.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
      const leaf = entry ? leafHash(entry, hash) : claimed;
      if (!leaf) return tree; // neither an entry nor its hash: nothing above can be computed, and both were found
      if (entry && claimed && !sameBytes(leaf, claimed))
        yield { code: 'LEDGER_CORRUPT', entry: `${origin}#${first + i}`, expected: toHex(claimed), found: toHex(leaf) };
      tree.appendLeaf(leaf);
      if (entry) visit?.(entry, first + i);
    }
  }
  for (const tile of hashTiles(size).filter(({ level }) => level !== 0)) {
    const stored = yield* readHashes(tile);
    const { level, index, width } = tile;
    const computed = tree.hashes((level as number) * TILE_HEIGHT, index * TILE_WIDTH, width);
    if (stored && !sameBytes(stored, computed))
      yield problem(tilePath(level, index, width), 'the hashes of the tiles below', 'other hashes');
  }
  if (!sameBytes(tree.root(), root))
    yield { code: 'LEDGER_CORRUPT', entry: `${origin}#${size}`, expected: toHex(root), found: toHex(tree.root()) };
  return tree;

  async function* readTile({ level, index, width }: Tile): AsyncGenerator<Finding, Uint8Array | undefined> {
    const path = tilePath(level, index, width);
    const bytes = await read(path);
    if (!bytes) yield problem(path, 'a file', 'none');
    return bytes;
  }

  async function* readHashes(tile: Tile): AsyncGenerator<Finding, Uint8Array | undefined> {
    const bytes = yield* readTile(tile);
    const expected = tile.width * HASH_BYTES;
    if (!bytes || bytes.byteLength === expected) return bytes;
    yield problem(tilePath(tile.level, tile.index, tile.width), `${expected} bytes`, `${bytes.byteLength} bytes`);
    return undefined;
  }

  async function* readEntries(tile: Tile): AsyncGenerator<Finding, Uint8Array[] | undefined> {
    const bytes = yield* readTile(tile);
    if (!bytes) return undefined;
    const { value, fault } = attempt(() => decodeEntryBundle(bytes, tile.width));
    if (fault) yield problem(tilePath(tile.level, tile.index, tile.width), `${tile.width} entries`, 'another length');
    return value;
  }
}

/**
 * A log that is being written keeps the partial tiles of earlier checkpoints until the full one is there. Yields those
 * which are not the beginning of what the checkpoint's own partial tile holds.
 */
export async function* inspectEarlierPartials({ read, checkpoint }: Inspection): AsyncGenerator<Finding> {
  const { origin, size } = checkpoint;
  const partial = [...hashTiles(size), ...entryBundles(size)].filter(({ width }) => width < TILE_WIDTH);
  for (const { level, index, width } of partial) {
    const whole = await read(tilePath(level, index, width));
    for (let earlier = 1; whole && earlier < width; earlier++) {
      const path = tilePath(level, index, earlier);
      const bytes = await read(path);
      if (bytes && !isBeginning(bytes, whole, level === 'entries' ? undefined : earlier * HASH_BYTES))
        yield { code: 'LEDGER_CORRUPT', entry: `${origin}/${path}`, expected: 'the same beginning', found: 'another' };
    }
  }
}

const isBeginning = (bytes: Uint8Array, whole: Uint8Array, length = bytes.byteLength): boolean =>
  bytes.byteLength === length && sameBytes(bytes, whole.subarray(0, length));
