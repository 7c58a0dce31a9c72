import { Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from './base64.js';
import { emptyRoot, leafHash } from './hash.js';
import { MerkleTree } from './merkle.js';
import { verifyConsistency, verifyInclusion } from './proof.js';
import { hasVectors, vectorsOf } from './vectors.fixture.js';

/** Some vectors say “dont care” where a hash stands: whatever is not base64 is not 32 bytes either. */
const bytes = (text: unknown): Uint8Array => decodeBase64(String(text ?? '')) ?? new Uint8Array();
const hashes = (texts: unknown): Uint8Array[] => ((texts as string[] | null) ?? []).map(bytes);
const refuses = (verify: () => void): boolean => {
  try {
    verify();
    return false;
  } catch (error) {
    if (!Fault.is(error, 'LEDGER_PROOF_INVALID')) throw error;
    return true;
  }
};

describe.skipIf(!hasVectors)(
  'the vectors of transparency-dev/merkle (skipped where CONSILIUM_VECTORS are absent)',
  () => {
    it.each(vectorsOf('inclusion'))('inclusion %s', (_, vector) => {
      const { leafIdx, treeSize, leafHash: leaf, proof, root, wantErr } = vector;
      const claim = { index: leafIdx as number, size: treeSize as number, leaf: bytes(leaf), root: bytes(root) };
      expect(refuses(() => verifyInclusion({ ...claim, proof: hashes(proof) }))).toBe(wantErr);
    });

    it.each(vectorsOf('consistency'))('consistency %s', (_, vector) => {
      const { size1, size2, root1, root2, proof, wantErr } = vector;
      const claim = { oldSize: size1 as number, size: size2 as number, oldRoot: bytes(root1), root: bytes(root2) };
      expect(refuses(() => verifyConsistency({ ...claim, proof: hashes(proof) }))).toBe(wantErr);
    });
  },
);

const entry = (i: number): Uint8Array => new TextEncoder().encode(`entry ${i}`);
function treeOf(size: number): MerkleTree {
  const tree = new MerkleTree();
  for (let i = 0; i < size; i++) tree.append(entry(i));
  return tree;
}

describe('every proof in every tree of up to 70 leaves', () => {
  const tree = treeOf(70);
  const sizes = Array.from({ length: 70 }, (_, i) => i + 1);

  it('leads from each entry to the root', () => {
    for (const size of sizes)
      for (let index = 0; index < size; index++)
        verifyInclusion({
          index,
          size,
          leaf: leafHash(entry(index)),
          proof: tree.inclusionProof(index, size),
          root: tree.root(size),
        });
  });

  it('leads from each earlier root to each later one', () => {
    for (const size of sizes)
      for (let oldSize = 0; oldSize <= size; oldSize++)
        verifyConsistency({
          oldSize,
          size,
          oldRoot: tree.root(oldSize),
          root: tree.root(size),
          proof: tree.consistencyProof(oldSize, size),
        });
  });

  it('shows nothing else: not another entry, index, size or root, and not with a hash more, less or changed', () => {
    const arbitrary = fc.integer({ min: 2, max: 70 }).chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)));
    fc.assert(
      fc.property(arbitrary, fc.nat(), fc.nat(7), ([size, index], where, bit) => {
        const proof = tree.inclusionProof(index, size);
        const claim = { index, size, leaf: leafHash(entry(index)), proof, root: tree.root(size) };
        expect(refuses(() => verifyInclusion(claim))).toBe(false);
        const flip = (hash: Uint8Array): Uint8Array =>
          hash.map((byte, at) => (at === where % 32 ? byte ^ (1 << bit) : byte));
        const lies = [
          { ...claim, index: (index + 1) % size },
          { ...claim, leaf: flip(claim.leaf) },
          { ...claim, root: flip(claim.root) },
          { ...claim, proof: proof.slice(1) },
          { ...claim, proof: [...proof, emptyRoot()] },
          { ...claim, proof: proof.map((hash, i) => (i === where % proof.length ? flip(hash) : hash)) },
          { ...claim, index: size },
          { ...claim, index: -1 },
          { ...claim, index: 0.5 },
          { ...claim, size: 2 ** 53 },
        ];
        for (const lie of lies) expect(refuses(() => verifyInclusion(lie))).toBe(true);
      }),
    );
  });

  it('shows no prefix that is none', () => {
    const arbitrary = fc
      .integer({ min: 2, max: 70 })
      .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size - 1 })));
    fc.assert(
      fc.property(arbitrary, fc.nat(), ([size, oldSize], where) => {
        const proof = tree.consistencyProof(oldSize, size);
        const claim = { oldSize, size, oldRoot: tree.root(oldSize), root: tree.root(size), proof };
        expect(refuses(() => verifyConsistency(claim))).toBe(false);
        const lies = [
          { ...claim, oldRoot: emptyRoot() },
          { ...claim, root: emptyRoot() },
          { ...claim, oldSize: oldSize === 1 ? size : oldSize - 1 },
          { ...claim, proof: proof.slice(1) },
          { ...claim, proof: proof.slice(0, -1) },
          { ...claim, proof: [...proof, emptyRoot()] },
          { ...claim, proof: proof.map((hash, i) => (i === where % proof.length ? emptyRoot() : hash)) },
          { ...claim, oldSize: 0 },
          { ...claim, oldSize: size },
          { ...claim, oldSize: size + 1 },
        ];
        for (const lie of lies) expect(refuses(() => verifyConsistency(lie))).toBe(true);
      }),
    );
  });
});

describe('proofs at the edges', () => {
  it('accept the empty tree as the beginning of every tree, with its own root only', () => {
    const root = treeOf(3).root();
    const claim = { oldSize: 0, size: 3, oldRoot: emptyRoot(), root, proof: [] };
    expect(refuses(() => verifyConsistency(claim))).toBe(false);
    expect(refuses(() => verifyConsistency({ ...claim, oldRoot: root }))).toBe(true);
    expect(refuses(() => verifyConsistency({ ...claim, proof: [root] }))).toBe(true);
    expect(refuses(() => verifyConsistency({ ...claim, size: 0, root: emptyRoot() }))).toBe(false);
    expect(refuses(() => verifyConsistency({ ...claim, size: 0 }))).toBe(true);
  });

  it('work beyond 2³², where bitwise operators would not', () => {
    // A tree of 2⁴⁰ leaves which are all the same: the roots of its subtrees are one hash for each height.
    const heights = [leafHash(entry(0))];
    const double = (hash: Uint8Array): Uint8Array => {
      const tree = new MerkleTree();
      tree.appendLeaf(hash);
      tree.appendLeaf(hash);
      return tree.root();
    };
    for (let height = 0; height < 40; height++) heights.push(double(heights[height]!));
    const claim = { index: 2 ** 39 + 12_345, size: 2 ** 40, leaf: heights[0]!, root: heights[40]! };
    verifyInclusion({ ...claim, proof: heights.slice(0, 40) });
    verifyConsistency({
      oldSize: 2 ** 39,
      size: 2 ** 40,
      oldRoot: heights[39]!,
      root: heights[40]!,
      proof: [heights[39]!],
    });
  });

  it('are never longer than 63 hashes', () => {
    const claim = { index: 0, size: 2, leaf: emptyRoot(), root: emptyRoot() };
    const proof = Array.from({ length: 64 }, () => emptyRoot());
    expect(() => verifyInclusion({ ...claim, proof })).toThrow(
      expect.objectContaining({ facts: { what: 'too many hashes' } }),
    );
  });
});
