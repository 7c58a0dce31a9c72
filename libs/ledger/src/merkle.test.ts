import { createHash } from 'node:crypto';
import { InvariantError, toHex } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Frontier } from './frontier.js';
import { emptyRoot, leafHash, nodeHash } from './hash.js';
import { MerkleTree } from './merkle.js';

/** The tree as RFC 6962, section 2.1 defines it, word for word, on Node's SHA-256. */
function definition(entries: readonly Uint8Array[]): Uint8Array {
  const sha = (...parts: Uint8Array[]): Uint8Array => createHash('sha256').update(Buffer.concat(parts)).digest();
  if (entries.length === 0) return sha();
  if (entries.length === 1) return sha(Uint8Array.of(0), entries[0]!);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return sha(Uint8Array.of(1), definition(entries.slice(0, k)), definition(entries.slice(k)));
}

const anyEntries = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 90 });
function treeOf(entries: readonly Uint8Array[]): MerkleTree {
  const tree = new MerkleTree();
  for (const entry of entries) tree.append(entry);
  return tree;
}

describe('the Merkle tree', () => {
  it('has the roots of RFC 6962 at every size it ever had', () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const tree = treeOf(entries);
        for (let size = 0; size <= entries.length; size++)
          expect(toHex(tree.root(size))).toBe(toHex(definition(entries.slice(0, size))));
      }),
      { numRuns: 25 },
    );
  });

  it('has the known root of the eight leaves of Certificate Transparency’s own test', () => {
    // From the reference implementation of RFC 6962 (certificate-transparency, merkle_tree_test).
    const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const tree = treeOf(leaves.map((hex) => Buffer.from(hex, 'hex')));
    expect(toHex(emptyRoot())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(toHex(tree.root(1))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(toHex(tree.root())).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  it('keeps leaves and nodes apart: an entry that spells a node is not that node', () => {
    const [a, b] = [leafHash(Uint8Array.of(1)), leafHash(Uint8Array.of(2))];
    expect(toHex(leafHash(Uint8Array.from([...a, ...b])))).not.toBe(toHex(nodeHash(a, b)));
  });

  it('is, after entries were taken away again, as if they had never been there', () => {
    fc.assert(
      fc.property(anyEntries, anyEntries, anyEntries, (kept, gone, next) => {
        const tree = treeOf([...kept, ...gone]);
        tree.truncate(kept.length);
        expect(tree.size).toBe(kept.length);
        for (const entry of next) tree.append(entry);
        expect(toHex(tree.root())).toBe(toHex(treeOf([...kept, ...next]).root()));
      }),
      { numRuns: 30 },
    );
  });

  it('gives at every size a right edge from which the same roots grow', () => {
    fc.assert(
      fc.property(anyEntries, fc.nat(), (entries, where) => {
        const tree = treeOf(entries);
        const size = where % (entries.length + 1);
        const edge = tree.frontier(size);
        expect(toHex(edge.root())).toBe(toHex(tree.root(size)));
        for (const entry of entries.slice(size)) edge.append(leafHash(entry));
        expect(toHex(edge.root())).toBe(toHex(tree.root()));
      }),
      { numRuns: 50 },
    );
    expect(toHex(new Frontier().root())).toBe(toHex(emptyRoot()));
  });

  it('hashes with what it is given', () => {
    let calls = 0;
    const counting = (bytes: Uint8Array): Uint8Array => {
      calls += 1;
      return createHash('sha256').update(bytes).digest();
    };
    const tree = new MerkleTree(counting);
    for (let i = 0; i < 8; i++) tree.append(Uint8Array.of(i));
    expect(calls).toBe(8 + 7);
    expect(toHex(tree.root())).toBe(toHex(treeOf(Array.from({ length: 8 }, (_, i) => Uint8Array.of(i))).root()));
  });

  it('takes entries of any length', () => {
    const long = new Uint8Array(70_000).fill(7);
    expect(toHex(leafHash(long))).toBe(
      createHash('sha256')
        .update(Buffer.concat([Buffer.from([0]), long]))
        .digest('hex'),
    );
  });

  it('answers only for what it holds', () => {
    const tree = treeOf([Uint8Array.of(1), Uint8Array.of(2)]);
    const wrong = [
      () => tree.root(3),
      () => tree.root(-1),
      () => tree.root(0.5),
      () => tree.leaf(2),
      () => tree.leaf(-1),
      () => tree.inclusionProof(2),
      () => tree.inclusionProof(0, 0),
      () => tree.inclusionProof(-1),
      () => tree.inclusionProof(0.5),
      () => tree.consistencyProof(2, 1),
      () => tree.consistencyProof(-1),
      () => tree.hashes(0, 1, 2),
      () => tree.truncate(3),
      () => tree.appendLeaf(Uint8Array.of(1)),
    ];
    for (const call of wrong) expect(call).toThrow(InvariantError);
  });
});
