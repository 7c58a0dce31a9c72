import { Fault, utf8 } from '@consilium/stdx';
import type { Checkpoint } from './checkpoint.js';
import { leafHash, sameBytes, type Hash } from './hash.js';
import type { MerkleTree } from './merkle.js';
import type { LogStorage } from './storage.js';
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

/**
 * What stands between the disk and a signature. A certificate log died in 2022 of one bit that flipped between hashing
 * and storing; so before a checkpoint is signed, the past must still be the signed one, every file that was written is
 * read from the storage, every new entry is hashed again from there, and the root is computed a second time from those
 * hashes. LEDGER_CORRUPT unless all agree with the tree.
 */
export async function readBack(written: {
  readonly storage: LogStorage;
  readonly hash: Hash;
  /** The tree with the new entries, as it is about to be signed. */
  readonly tree: MerkleTree;
  /** How many entries were signed before. */
  readonly from: number;
  readonly signed: { readonly note: string; readonly checkpoint: Checkpoint } | undefined;
}): Promise<void> {
  const { storage, hash, tree, from, signed } = written;
  const { size } = tree;

  const published = await storage.read(CHECKPOINT_PATH);
  if (!sameBytes(published ?? new Uint8Array(), utf8(signed?.note ?? ''))) throw corrupt('checkpoint replaced', from);
  const edge = tree.frontier(from);
  if (signed && !sameBytes(edge.root(), signed.checkpoint.root)) throw corrupt('another past', from);

  for (const bundle of entryBundles(size, from)) {
    const entries = decodeEntryBundle(await read(bundle), bundle.width);
    for (const [i, entry] of entries.entries()) {
      const index = bundle.index * TILE_WIDTH + i;
      const leaf = leafHash(entry, hash);
      if (!sameBytes(leaf, tree.leaf(index))) throw corrupt('entry', index);
      if (index >= from) edge.append(leaf);
    }
  }
  for (const tile of hashTiles(size, from)) {
    const level = (tile.level as number) * TILE_HEIGHT;
    const expected = tree.hashes(level, tile.index * TILE_WIDTH, tile.width);
    if (!sameBytes(await read(tile), expected)) throw corrupt('tile', tile.index * TILE_WIDTH);
  }
  if (!sameBytes(edge.root(), tree.root())) throw corrupt('root', size);

  async function read({ level, index, width }: Tile): Promise<Uint8Array> {
    return (await storage.read(tilePath(level, index, width))) ?? new Uint8Array();
  }
}

const corrupt = (what: string, entry: number): Fault => new Fault('LEDGER_CORRUPT', { what, entry });
