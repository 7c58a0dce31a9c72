import { Fault } from '@consilium/stdx';
import { emptyRoot, HASH_BYTES, nodeHash, plainHash, sameBytes, type Hash } from './hash.js';

/** That the leaf with this hash stands at `index` of the tree with this size and root. */
export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  /** The leaf's hash. */
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** That the tree of `oldSize` leaves is a prefix of the tree of `size` leaves. */
export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly size: number;
  readonly oldRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Throws LEDGER_PROOF_INVALID unless the claim holds (RFC 9162, section 2.1.3.2). */
export function verifyInclusion(claim: InclusionClaim, hash: Hash = plainHash): void {
  const { index, size, leaf, proof, root } = claim;
  requireSizes(index, size - 1);
  requireHashes([leaf, root, ...proof]);
  // `at` is the leaf's place in its level, `last` the place of the level's last node, from the leaves upwards.
  let at = index;
  let last = size - 1;
  let node = leaf;
  for (const other of proof) {
    if (last === 0) throw refused('too many hashes');
    if (isOdd(at) || at === last) {
      node = nodeHash(other, node, hash);
      // A last node without a sibling moves up unchanged.
      while (!isOdd(at) && at > 0) [at, last] = [half(at), half(last)];
    } else {
      node = nodeHash(node, other, hash);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) throw refused('too few hashes');
  if (!sameBytes(node, root)) throw refused('another root');
}

/**
 * Throws LEDGER_PROOF_INVALID unless the claim holds (RFC 9162, section 2.1.4.2). The empty tree is a prefix of every
 * tree: its claim takes the root of nothing and no hashes (C2SP tlog-witness requires that it is accepted).
 */
export function verifyConsistency(claim: ConsistencyClaim, hash: Hash = plainHash): void {
  const { oldSize, size, oldRoot, root, proof } = claim;
  requireSizes(oldSize, size);
  if (oldSize === size) {
    if (proof.length > 0) throw refused('too many hashes');
    if (!sameBytes(oldRoot, root) || (size === 0 && !sameBytes(root, emptyRoot()))) throw refused('another root');
    return;
  }
  requireHashes([oldRoot, root, ...proof]);
  if (oldSize === 0) {
    if (proof.length > 0) throw refused('too many hashes');
    if (!sameBytes(oldRoot, emptyRoot())) throw refused('another old root');
    return;
  }
  let at = oldSize - 1;
  let last = size - 1;
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  // When the old tree is whole, its own root is where both paths start, and the proof does not repeat it.
  const [first, ...others] = at === 0 ? [oldRoot, ...proof] : proof;
  if (first === undefined) throw refused('too few hashes');
  let oldNode = first;
  let node = first;
  for (const other of others) {
    if (last === 0) throw refused('too many hashes');
    if (isOdd(at) || at === last) {
      oldNode = nodeHash(other, oldNode, hash);
      node = nodeHash(other, node, hash);
      while (!isOdd(at) && at > 0) [at, last] = [half(at), half(last)];
    } else {
      node = nodeHash(node, other, hash);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) throw refused('too few hashes');
  if (!sameBytes(oldNode, oldRoot)) throw refused('another old root');
  if (!sameBytes(node, root)) throw refused('another root');
}

// Sizes may pass 2^31, where bitwise operators would cut them off.
const isOdd = (value: number): boolean => value % 2 === 1;
const half = (value: number): number => Math.floor(value / 2);

const refused = (what: string): Fault => new Fault('LEDGER_PROOF_INVALID', { what });

function requireSizes(smaller: number, larger: number): void {
  const inOrder = Number.isSafeInteger(smaller) && Number.isSafeInteger(larger) && smaller >= 0 && smaller <= larger;
  if (!inOrder) throw refused('sizes');
}

function requireHashes(hashes: readonly Uint8Array[]): void {
  if (hashes.length > 2 + PROOF_HASHES_MAX) throw refused('too many hashes');
  if (!hashes.every((hash) => hash.byteLength === HASH_BYTES)) throw refused('a hash has 32 bytes');
}

/** No proof needs more (C2SP tlog-witness); two roots, or a leaf and a root, come on top. */
const PROOF_HASHES_MAX = 63;
