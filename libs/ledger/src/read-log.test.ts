import { Fault, toHex, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openCheckpoint, signCheckpoint } from './checkpoint.js';
import { cosign } from './cosignature.js';
import { readEntry } from './entry.js';
import { entriesOf, HUB, HUB_KEY, logOf, opening, ORIGIN, seal, SITE_KEYS, SITES, siteSigner } from './log.fixture.js';
import { auditLog, FINDINGS_MAX, readLog, type LogRequest } from './read-log.js';
import { MemoryStorage } from './storage.js';
import { TileLog } from './tile-log.js';
import { LOG_SIGNATURE, verifierKey } from './verifier-key.js';

const request = (storage: Pick<MemoryStorage, 'read'>): LogRequest<'coordinator'> => ({
  read: storage.read,
  origin: ORIGIN,
  logKey: HUB_KEY,
  witnesses: SITE_KEYS,
  kind: 'coordinator',
});

async function cosignedLog(count: number): Promise<MemoryStorage> {
  const { log, storage } = await logOf(count);
  const { text } = openCheckpoint(log.note, HUB_KEY, []);
  await log.addCosignatures(
    SITES.map((site, i) => cosign(text, siteSigner(i), `lung/site/${site}`, 1_790_000_000 + i)),
    SITE_KEYS,
  );
  return storage;
}
const copyOf = (storage: MemoryStorage): MemoryStorage => {
  const copy = new MemoryStorage();
  for (const [path, bytes] of storage.files) copy.files.set(path, bytes.slice());
  return copy;
};
const flip = (storage: MemoryStorage, path: string, at: number, bit: number): MemoryStorage => {
  const damaged = copyOf(storage);
  damaged.files.get(path)![at]! ^= 1 << bit;
  return damaged;
};
const codes = async (storage: MemoryStorage): Promise<string[]> =>
  (await auditLog(request(storage))).findings.map(({ code }) => code);

describe('reading a log', () => {
  it('gives its entries, their bytes, its tree and who cosigned it', async () => {
    const log = await readLog(request(await cosignedLog(300)));
    const entries = entriesOf(300);
    expect(log.checkpoint).toEqual({ origin: ORIGIN, size: 300, root: log.tree.root() });
    expect(log.bytes.map(toHex)).toEqual(entries.map(toHex));
    expect(log.entries[299]).toEqual(readEntry(entries[299]!, 'coordinator'));
    expect(log.cosigned.get('lung/site/dachau')).toBe(1_790_000_003);
    expect(openCheckpoint(log.note, HUB_KEY, SITE_KEYS).cosigned.size).toBe(4);
  });

  it('finds nothing wrong with a whole log, however it grew', async () => {
    const storage = new MemoryStorage();
    const log = await TileLog.open({ origin: ORIGIN, signer: HUB, storage });
    for (const [from, count] of [
      [0, 1],
      [1, 70],
      [71, 200],
      [271, 29],
    ] as const) {
      await log.integrate(entriesOf(count, from));
      expect(await auditLog(request(storage))).toMatchObject({ findings: [] });
    }
    expect((await auditLog(request(storage))).entries).toHaveLength(300);
  });

  it('takes an empty log for what it is', async () => {
    const storage = new MemoryStorage();
    storage.files.set(
      'checkpoint',
      utf8(signCheckpoint({ origin: ORIGIN, size: 0, root: (await logOf(1)).log.rootAt(0) }, HUB)),
    );
    expect(await readLog(request(storage))).toMatchObject({ entries: [] });
  });

  it('throws the first thing that is wrong, as a Fault with its place', async () => {
    const damaged = flip(await cosignedLog(300), 'tile/entries/001.p/44', 50, 0);
    await expect(readLog(request(damaged))).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
      facts: { entry: `${ORIGIN}#256` },
    });
  });

  it('passes on what is not the log’s fault', async () => {
    const failing = { read: () => Promise.reject(new Error('unplugged')) };
    await expect(auditLog(request(failing))).rejects.toThrow('unplugged');
  });
});

describe('any single flipped bit of any file of a log', () => {
  it('is found in a log of one checkpoint', async () => {
    const { storage } = await logOf(260);
    const files = [...storage.files].map(([path, { byteLength }]) => ({ path, byteLength }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.nat(7), async ({ path, byteLength }, where, bit) => {
        expect(await codes(flip(storage, path, where % byteLength, bit))).not.toEqual([]);
      }),
      { numRuns: 80 },
    );
  });

  it('is found in all files that a log keeps while it grows, the superseded partial tiles too', async () => {
    const storage = new MemoryStorage();
    const log = await TileLog.open({ origin: ORIGIN, signer: HUB, storage });
    for (let from = 0; from < 12; from += 3) await log.integrate(entriesOf(3, from));
    const bits = [...storage.files].flatMap(([path, bytes]) =>
      [...bytes.keys()].filter((at) => at % 23 === 0).map((at) => ({ path, at })),
    );
    expect(new Set(bits.map(({ path }) => path)).size).toBe(9);
    for (const { path, at } of bits) expect(await codes(flip(storage, path, at, at % 8))).not.toEqual([]);
  });

  it('is found in every byte of a log of one entry', async () => {
    const { storage } = await logOf(1);
    for (const [path, bytes] of storage.files)
      for (let at = 0; at < bytes.byteLength; at++)
        expect(await codes(flip(storage, path, at, at % 8)), `${path} ${at}`).not.toEqual([]);
  });

  it('is found in the lines of the cosigners', async () => {
    const storage = await cosignedLog(1);
    const { byteLength } = storage.files.get('checkpoint')!;
    for (let at = 180; at < byteLength; at += 13)
      expect(await codes(flip(storage, 'checkpoint', at, at % 8)), `${at}`).not.toEqual([]);
  });

  it('would not be found if nobody hashed again: the control', async () => {
    // A verifier that trusts the stored hashes and only checks the signature over their root accepts a changed entry.
    const storage = await cosignedLog(5);
    const damaged = flip(storage, 'tile/entries/000.p/5', 60, 0);
    const trusting = openCheckpoint(Buffer.from(damaged.files.get('checkpoint')!).toString(), HUB_KEY, SITE_KEYS);
    expect(trusting.checkpoint.size).toBe(5);
    expect(await codes(damaged)).not.toEqual([]);
    expect(await codes(storage)).toEqual([]);
  });
});

describe('a log that was tampered with', () => {
  it.each([
    ['a bundle cut off', 'tile/entries/001.p/44', (bytes: Uint8Array) => bytes.slice(0, -5)],
    [
      'a bundle with something behind it',
      'tile/entries/001.p/44',
      (bytes: Uint8Array) => Uint8Array.from([...bytes, 0]),
    ],
    ['a tile cut off', 'tile/0/000', (bytes: Uint8Array) => bytes.slice(0, -32)],
    ['a tile too long', 'tile/1/000.p/1', (bytes: Uint8Array) => Uint8Array.from([...bytes, ...bytes])],
    ['a checkpoint cut off', 'checkpoint', (bytes: Uint8Array) => bytes.slice(0, -1)],
  ])('shows %s', async (_, path, change) => {
    const storage = await cosignedLog(300);
    storage.files.set(path, change(storage.files.get(path)!));
    const { findings } = await auditLog(request(storage));
    expect(findings[0]!.entry).toBe(`${ORIGIN}/${path}`);
  });

  it('shows each missing file, and goes on with what there is', async () => {
    const storage = await cosignedLog(300);
    for (const path of storage.files.keys()) {
      const lacking = copyOf(storage);
      lacking.files.delete(path);
      const { findings } = await auditLog(request(lacking));
      expect(findings).toContainEqual({
        code: 'LEDGER_CORRUPT',
        entry: `${ORIGIN}/${path}`,
        expected: 'a file',
        found: 'none',
      });
    }
    storage.files.delete('tile/entries/000');
    const { entries, findings } = await auditLog(request(storage));
    expect(findings).toHaveLength(1);
    expect([entries[0], entries[255], entries.length]).toEqual([undefined, undefined, 300]);
    expect(entries[256]).toBeDefined();
    storage.files.delete('tile/0/000');
    expect(await codes(storage)).toHaveLength(2);
  });

  it('shows an entry that the log has signed but that is none, and reads the others', async () => {
    const entries = entriesOf(4);
    entries[2] = utf8('{"note":"CANARY^PATIENT"}');
    const storage = new MemoryStorage();
    await (await TileLog.open({ origin: ORIGIN, signer: HUB, storage })).integrate(entries);
    const audited = await auditLog(request(storage));
    expect(audited.findings).toEqual([
      {
        code: 'LEDGER_ENTRY_INVALID',
        entry: `${ORIGIN}#2`,
        expected: 'the canonical form',
        found: 'what unknown type, log coordinator',
      },
    ]);
    expect(audited.entries.map((entry) => entry?.type)).toEqual([
      'shard.opened',
      'round.offered',
      undefined,
      'round.offered',
    ]);
    expect(JSON.stringify(audited.findings)).not.toContain('CANARY');
  });

  it('cannot make its reader reserve memory for entries that it only claims', async () => {
    const storage = new MemoryStorage();
    for (const size of [2 ** 24 + 1, Number.MAX_SAFE_INTEGER]) {
      storage.files.set('checkpoint', utf8(signCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32) }, HUB)));
      expect((await auditLog(request(storage))).findings).toMatchObject([{ expected: 'at most 16777216 entries' }]);
    }
    storage.files.set(
      'checkpoint',
      utf8(signCheckpoint({ origin: ORIGIN, size: 2 ** 24, root: new Uint8Array(32) }, HUB)),
    );
    const { findings, entries } = await auditLog(request(storage));
    expect([findings.length, entries.length]).toEqual([2, 0]); // neither the first bundle nor its tile
  });

  it('lists so many findings and no more', async () => {
    const storage = new MemoryStorage();
    const nonsense = Array.from({ length: FINDINGS_MAX + 50 }, () => utf8('{}'));
    await (await TileLog.open({ origin: ORIGIN, signer: HUB, storage })).integrate(nonsense);
    expect(await codes(storage)).toHaveLength(FINDINGS_MAX);
  });

  it('shows a signature line of somebody unknown, unless one does not mind', async () => {
    const storage = await cosignedLog(3);
    const few = { ...request(storage), witnesses: SITE_KEYS.slice(1) };
    expect((await auditLog(few)).findings).toMatchObject([{ code: 'LEDGER_SIGNATURE_INVALID' }]);
    const { cosigned } = await readLog({ ...few, strict: false });
    expect(cosigned.size).toBe(3);
  });

  it('is not another log under its name', async () => {
    const storage = await cosignedLog(3);
    const other = 'lung/coordinator/2025';
    const renamed = { ...request(storage), origin: other };
    expect((await auditLog(renamed)).findings).toMatchObject([
      { code: 'LEDGER_SIGNATURE_INVALID', entry: `${other}/checkpoint` },
    ]);
    const foreign = { ...request(storage), logKey: verifierKey(ORIGIN, LOG_SIGNATURE, siteSigner(0).publicKey) };
    await expect(readLog(foreign)).rejects.toSatisfy((error) => Fault.is(error, 'LEDGER_SIGNATURE_INVALID'));
  });
});

describe('a shard', () => {
  const audited = async (entries: readonly Uint8Array[], origin = ORIGIN): Promise<unknown[]> => {
    const storage = new MemoryStorage();
    await (await TileLog.open({ origin, signer: HUB, storage })).integrate(entries);
    const logKey = verifierKey(origin, LOG_SIGNATURE, HUB.publicKey);
    return (await auditLog({ ...request(storage), origin, logKey })).findings as unknown[];
  };
  const used = seal('coordinator', { type: 'token.used', token: 'token-0123456789' });

  it('opens with the entry that says so, once, in the year of its name', async () => {
    expect(await audited([opening(), used])).toEqual([]);
    expect(await audited([opening(), used], 'lung/coordinator/2026-2')).toEqual([]);
    expect(await audited([used])).toMatchObject([
      { entry: `${ORIGIN}#0`, expected: 'shard.opened', found: 'token.used' },
    ]);
    expect(await audited([opening(), used, opening()])).toMatchObject([
      { entry: `${ORIGIN}#2`, found: 'shard.opened' },
    ]);
    expect(await audited([opening()], 'lung/coordinator/2027')).toMatchObject([
      { expected: 'the year in its name', found: '2026' },
    ]);
  });
});
