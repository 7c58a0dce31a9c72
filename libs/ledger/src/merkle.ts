import { invariant } from '@consilium/stdx';
import { Frontier } from './frontier.js';
import { emptyRoot, HASH_BYTES, leafHash, nodeHash, plainHash, type Hash } from './hash.js';

/**
 * The append-only tree of RFC 6962, section 2.1. Only the hashes are kept, packed: 64 bytes an entry, so 200,000
 * entries take 13 MB. Level `l` holds the roots of all whole subtrees of 2^l leaves, left to right, which are at the
 * same time the rows that tiles are cut from (C2SP tlog-tiles: level `L` of the tiles is level `8 L` here).
 */
export class MerkleTree {
  readonly #levels: Row[] = [];
  readonly #hash: Hash;
  #size = 0;

  constructor(hash: Hash = plainHash) {
    this.#hash = hash;
  }

  /** How many leaves the tree has. */
  get size(): number {
    return this.#size;
  }

  /** Appends an entry and gives its index. */
  append(entry: Uint8Array): number {
    return this.appendLeaf(leafHash(entry, this.#hash));
  }

  /** Appends a leaf by its hash and gives its index. */
  appendLeaf(leaf: Uint8Array): number {
    invariant(leaf.byteLength === HASH_BYTES, 'a leaf is a hash of 32 bytes');
    const index = this.#size;
    let hash = leaf;
    let count = index + 1;
    for (let level = 0; ; level++) {
      const row = (this.#levels[level] ??= new Row());
      row.set(count - 1, hash);
      if (count % 2 === 1) break;
      hash = nodeHash(row.get(count - 2), row.get(count - 1), this.#hash);
      count /= 2;
    }
    this.#size += 1;
    return index;
  }

  /** Takes the leaves from `size` on away again: what was appended is forgotten as if it had never been. */
  truncate(size: number): void {
    this.#requireSize(size);
    this.#size = size; // a row's hashes beyond its count are never read, and written over by what comes next
  }

  /** The root of the first `size` leaves, 32 bytes. */
  root(size = this.#size): Uint8Array {
    this.#requireSize(size);
    return size === 0 ? emptyRoot() : this.#range(0, size);
  }

  /** The leaf's hash. */
  leaf(index: number): Uint8Array {
    invariant(index >= 0 && index < this.#size, 'a leaf lies within the tree');
    return this.#levels[0]!.get(index);
  }

  /** `count` hashes from `first` on of the whole subtrees of 2^`level` leaves, packed: what a tile consists of. */
  hashes(level: number, first: number, count: number): Uint8Array {
    invariant((first + count) * 2 ** level <= this.#size, 'a tile lies within the tree');
    return this.#levels[level]!.slice(first, count);
  }

  /** The right edge of the first `size` leaves. */
  frontier(size: number): Frontier {
    this.#requireSize(size);
    const peaks: Uint8Array[] = [];
    let low = 0;
    for (let level = this.#levels.length - 1; level >= 0; level--) {
      const width = 2 ** level;
      if (low + width > size) continue;
      peaks.push(this.#levels[level]!.get(low / width));
      low += width;
    }
    return new Frontier(size, peaks, this.#hash);
  }

  /** The hashes that lead from a leaf to the root of the first `size` leaves (RFC 6962, section 2.1.1). */
  inclusionProof(index: number, size = this.#size): Uint8Array[] {
    this.#requireSize(size);
    invariant(Number.isSafeInteger(index) && index >= 0 && index < size, 'the entry lies within the tree');
    const proof: Uint8Array[] = [];
    let low = 0;
    let high = size;
    while (high - low > 1) {
      const middle = low + split(high - low);
      if (index < middle) {
        proof.push(this.#range(middle, high));
        high = middle;
      } else {
        proof.push(this.#range(low, middle));
        low = middle;
      }
    }
    return proof.reverse();
  }

  /** The hashes that show that the first `oldSize` leaves are a prefix of the first `size` (RFC 6962, section 2.1.2). */
  consistencyProof(oldSize: number, size = this.#size): Uint8Array[] {
    this.#requireSize(size);
    invariant(Number.isSafeInteger(oldSize) && oldSize >= 0 && oldSize <= size, 'the older tree is the smaller one');
    if (oldSize === 0 || oldSize === size) return [];
    const proof: Uint8Array[] = [];
    let low = 0;
    let high = size;
    while (oldSize !== high) {
      const middle = low + split(high - low);
      if (oldSize <= middle) {
        proof.push(this.#range(middle, high));
        high = middle;
      } else {
        proof.push(this.#range(low, middle));
        low = middle;
      }
    }
    // The old tree's last subtree; the verifier knows it already when it is the whole old tree.
    if (low > 0) proof.push(this.#range(low, high));
    return proof.reverse();
  }

  /** The root of the leaves in [low, high), which starts at a multiple of the largest power of two within. */
  #range(low: number, high: number): Uint8Array {
    const count = high - low;
    const half = split(count);
    if (count === 1 || half * 2 === count) return this.#levels[Math.log2(count)]!.get(low / count);
    return nodeHash(this.#range(low, low + half), this.#range(low + half, high), this.#hash);
  }

  #requireSize(size: number): void {
    invariant(Number.isSafeInteger(size) && size >= 0 && size <= this.#size, 'the tree has had this size');
  }
}

/** The largest power of two below `count`, where a subtree of this many leaves is split; 1 for 1. */
function split(count: number): number {
  let half = 1;
  while (half * 2 < count) half *= 2;
  return half;
}

/** Hashes side by side in one buffer that doubles when it is full. */
class Row {
  #bytes = new Uint8Array(HASH_BYTES * 16);

  get(index: number): Uint8Array {
    return this.slice(index, 1);
  }

  slice(first: number, count: number): Uint8Array {
    return this.#bytes.slice(first * HASH_BYTES, (first + count) * HASH_BYTES);
  }

  set(index: number, hash: Uint8Array): void {
    const end = (index + 1) * HASH_BYTES;
    if (end > this.#bytes.byteLength) {
      const larger = new Uint8Array(this.#bytes.byteLength * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(hash, index * HASH_BYTES);
  }
}
