import { Fault, toHex } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from './checkpoint.js';
import { cosign } from './cosignature.js';
import { leafHash } from './hash.js';
import { entriesOf, HUB, HUB_KEY, logOf, ORIGIN, signerOf, SITE_KEYS, SITES, siteSigner } from './log.fixture.js';
import { MerkleTree } from './merkle.js';
import { verifyConsistency, verifyInclusion } from './proof.js';
import { MemoryStorage } from './storage.js';
import { TileLog } from './tile-log.js';
import { entryBundles, hashTiles, tilePath } from './tiles.js';
import type { Signer } from './verifier-key.js';

const open = (storage: MemoryStorage, signer: Signer = HUB): Promise<TileLog> =>
  TileLog.open({ origin: ORIGIN, signer, storage });
const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};
const all = async (entries: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> => {
  const list: Uint8Array[] = [];
  for await (const entry of entries) list.push(entry);
  return list;
};
function treeOf(entries: readonly Uint8Array[]): MerkleTree {
  const tree = new MerkleTree();
  for (const entry of entries) tree.append(entry);
  return tree;
}

describe('a log', () => {
  it('is empty, unsigned and without files before its first entry', async () => {
    const storage = new MemoryStorage();
    const log = await open(storage);
    expect([log.size, log.note, log.checkpoint.size, log.origin]).toEqual([0, '', 0, ORIGIN]);
    expect(await all(log.entries())).toEqual([]);
    expect(storage.files.size).toBe(0);
  });

  it.each([[1], [255], [256], [257], [600]])('of %i entries has the root and the proofs of RFC 6962', async (count) => {
    const entries = entriesOf(count);
    const { log } = await logOf(count);
    const tree = treeOf(entries);
    const root = tree.root();
    expect(log.rootAt(count)).toEqual(root);
    expect(openCheckpoint(log.note, HUB_KEY, [], { strict: true }).checkpoint).toEqual({
      origin: ORIGIN,
      size: count,
      root,
    });
    const index = count >> 1;
    verifyInclusion({ index, size: count, leaf: leafHash(entries[index]!), proof: log.inclusionProof(index), root });
    const claim = { oldSize: index, size: count, oldRoot: log.rootAt(index), root };
    verifyConsistency({ ...claim, proof: log.consistencyProof(index) });
  });

  it('is the same log, byte for byte, whether it grew in one step or in many', async () => {
    const entries = entriesOf(300);
    const grown = await Promise.all(
      [7, 50, 300].map(async (step) => {
        const storage = new MemoryStorage();
        const log = await open(storage);
        for (let from = 0; from < 300; from += step) await log.integrate(entries.slice(from, from + step));
        // Partial tiles of earlier checkpoints may still be there, beside those of this one.
        const tiles = [...hashTiles(300), ...entryBundles(300)];
        const paths = tiles.map(({ level, index, width }) => tilePath(level, index, width));
        return ['checkpoint', ...paths].map((path) => [path, toHex(storage.files.get(path)!)]);
      }),
    );
    expect(grown[1]).toEqual(grown[0]);
    expect(grown[2]).toEqual(grown[0]);
  });

  it('goes on where it was after it was opened again', async () => {
    const storage = new MemoryStorage();
    await logOf(300, storage);
    const again = await open(storage);
    expect(again.size).toBe(300);
    const { from, size, note } = await again.integrate(entriesOf(10, 300));
    expect([from, size, note]).toEqual([300, 310, again.note]);
    expect(again.rootAt(310)).toEqual(treeOf(entriesOf(310)).root());
    expect(await all((await open(storage)).entries())).toEqual(entriesOf(310));
  });

  it('gives back entries one by one and by ranges', async () => {
    const { log } = await logOf(600);
    const entries = entriesOf(600);
    expect(await log.entry(0)).toEqual(entries[0]);
    expect(await log.entry(599)).toEqual(entries[599]);
    expect(await codeOf(log.entry(600))).toBe('NOT_FOUND');
    expect(await all(log.entries(250, 520))).toEqual(entries.slice(250, 520));
    expect(await all(log.entries(590, 9999))).toEqual(entries.slice(590));
  });

  it('integrates what came at the same time one after the other', async () => {
    const storage = new MemoryStorage();
    const log = await open(storage);
    const entries = entriesOf(30);
    const results = await Promise.all([0, 10, 20].map((from) => log.integrate(entries.slice(from, from + 10))));
    expect(results.map(({ from, size }) => [from, size])).toEqual([
      [0, 10],
      [10, 20],
      [20, 30],
    ]);
    expect(await all(log.entries())).toEqual(entries);
  });

  it('misses a bundle that was taken away while it was open', async () => {
    const { log, storage } = await logOf(3);
    storage.files.clear();
    expect(await codeOf(log.entry(1))).toBe('LEDGER_CORRUPT');
  });

  it('signs nothing new when there is nothing new', async () => {
    const { log } = await logOf(3);
    const { note } = log;
    expect(await log.integrate([])).toEqual({ from: 3, size: 3, note });
  });

  it('takes the partial tiles away once the full ones are there, and keeps them until then', async () => {
    const storage = new MemoryStorage();
    const log = await open(storage);
    await log.integrate(entriesOf(100));
    await log.integrate(entriesOf(100, 100));
    expect(storage.files.has('tile/entries/000.p/100')).toBe(true);
    await log.integrate(entriesOf(100, 200));
    expect([...storage.files.keys()].filter((path) => path.includes('000.p'))).toEqual(['tile/1/000.p/1']);
  });

  it('answers for what is signed only', async () => {
    const { log } = await logOf(3);
    expect(() => log.rootAt(4)).toThrow('this size');
    expect(() => log.inclusionProof(0, 4)).toThrow('this size');
    expect(() => log.consistencyProof(0, 4)).toThrow('this size');
  });

  it('works with a storage that cannot remove and one that writes many files at once', async () => {
    const batches: number[] = [];
    const plain = new MemoryStorage();
    const storage = {
      read: plain.read,
      write: plain.write.bind(plain),
      writeAll: async (files: ReadonlyMap<string, Uint8Array>) => {
        batches.push(files.size);
        for (const [path, bytes] of files) await plain.write(path, bytes);
      },
    };
    const log = await TileLog.open({ origin: ORIGIN, signer: HUB, storage });
    await log.integrate(entriesOf(257));
    expect(batches).toEqual([5]); // two bundles, two tiles of leaves, one above
    expect((await open(plain)).size).toBe(257);
  });
});

describe('cosignatures on a log', () => {
  const line = (log: TileLog, site: number): string => {
    const { text } = openCheckpoint(log.note, HUB_KEY, []);
    return cosign(text, siteSigner(site), `lung/site/${SITES[site]}`, 1);
  };

  it('are kept with the checkpoint, also after it is opened again', async () => {
    const { log, storage } = await logOf(3);
    expect(await log.addCosignatures([line(log, 0), line(log, 1)], SITE_KEYS)).toEqual([
      'lung/site/aachen',
      'lung/site/bonn',
    ]);
    const again = await open(storage);
    expect(again.note).toBe(log.note);
    expect(openCheckpoint(again.note, HUB_KEY, SITE_KEYS).cosigned.size).toBe(2);
  });

  it('that came too late, or are of nobody, are left out and spoil nothing', async () => {
    const { log } = await logOf(3);
    const late = line(log, 0);
    await log.integrate(entriesOf(1, 3));
    const { note } = log;
    const garbage = ['', 'no line', '— x AAAAAAA='];
    expect(await log.addCosignatures([late, ...garbage], SITE_KEYS)).toEqual([]);
    expect(log.note).toBe(note);
    expect(await log.addCosignatures([line(log, 1)], [SITE_KEYS[0]!])).toEqual([]);
    expect(await codeOf(log.integrate(entriesOf(1, 4)))).toBe('accepted');
  });
});

describe('a log that somebody has seen before', () => {
  it('goes on from what they saw', async () => {
    const { log } = await logOf(5);
    log.requireExtends({ origin: ORIGIN, size: 0, root: log.rootAt(0) });
    log.requireExtends({ origin: ORIGIN, size: 3, root: log.rootAt(3) });
    log.requireExtends(log.checkpoint);
  });

  it('is not gone on with when it is shorter, or another', async () => {
    const [{ log: short }, { log: long }] = await Promise.all([logOf(3), logOf(5)]);
    expect(() => short.requireExtends(long.checkpoint)).toThrow(
      expect.objectContaining({ code: 'LEDGER_ROLLED_BACK', facts: { size: 3, witnessed: 5 } }),
    );
    const other = { origin: ORIGIN, size: 3, root: long.rootAt(2) };
    expect(() => long.requireExtends(other)).toThrow(expect.objectContaining({ code: 'LEDGER_FORKED' }));
    expect(() => long.requireExtends({ ...other, origin: 'x' })).toThrow('its own');
  });
});

describe('opening a log whose files are not what was signed', () => {
  let storage: MemoryStorage;
  beforeEach(async () => {
    storage = new MemoryStorage();
    await logOf(300, storage);
  });

  it.each([
    ['a byte of an entry', 'tile/entries/000', 40],
    ['a hash of a leaf', 'tile/0/001.p/44', 3],
    ['a hash above', 'tile/1/000.p/1', 3],
    ['the checkpoint', 'checkpoint', 30],
    ['its signature', 'checkpoint', 120],
  ])('refuses %s that has changed', async (_, path, at) => {
    const bytes = storage.files.get(path)!.slice();
    bytes[at]! ^= 1;
    storage.files.set(path, bytes);
    expect(await codeOf(open(storage))).toBe('LEDGER_CORRUPT');
  });

  it('refuses a missing file and a checkpoint of another key', async () => {
    expect(await codeOf(open(storage, signerOf(9)))).toBe('LEDGER_CORRUPT');
    storage.files.delete('tile/entries/000');
    expect(await codeOf(open(storage))).toBe('LEDGER_CORRUPT');
  });

  it('accepts a checkpoint of the key it had before, and signs with the new one', async () => {
    const settings = { origin: ORIGIN, signer: signerOf(9), storage };
    const log = await TileLog.open({ ...settings, formerKeys: [HUB.publicKey] });
    await log.integrate(entriesOf(1, 300));
    expect(await codeOf(open(storage))).toBe('LEDGER_CORRUPT');
    expect((await open(storage, signerOf(9))).size).toBe(301);
  });

  it('reads a checkpoint that is not even text as damage', async () => {
    storage.files.set('checkpoint', Uint8Array.of(0xff));
    expect(await codeOf(open(storage))).toBe('LEDGER_CORRUPT');
  });
});
