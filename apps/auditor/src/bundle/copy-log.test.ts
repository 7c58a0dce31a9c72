import { CHECKPOINT_PATH, MemoryStorage, sealEntry, TileLog } from '@consilium/ledger';
import { newSigningKey } from '@consilium/identity';
import { describe, expect, it } from 'vitest';
import { copyLog } from './copy-log.js';

const salt = '0'.repeat(32);
const opening = sealEntry(
  { type: 'shard.opened', year: 2026, predecessor: null, reason: 'first', lost: 0 },
  { kind: 'coordinator', at: 1, salt },
);
const read = (at: number) =>
  sealEntry({ type: 'audit.read', person: 'person-0123456789', page: 'tiles' }, { kind: 'coordinator', at, salt });

async function logOf(entries: number): Promise<{ log: TileLog; storage: MemoryStorage }> {
  const storage = new MemoryStorage();
  const log = await TileLog.open({ origin: 'lung/coordinator/2026', signer: newSigningKey(), storage });
  await log.integrate([opening, ...Array.from({ length: entries - 1 }, (_, i) => read(i))]);
  return { log, storage };
}

describe('the copy of a log', () => {
  it('has the checkpoint, exactly the tiles that it needs, and every entry', async () => {
    const { storage, log } = await logOf(300);
    await log.integrate([read(1), read(2)]);
    const copy = (await copyLog(storage))!;
    expect(copy).toMatchObject({ origin: 'lung/coordinator/2026', size: 302 });
    expect([...copy.files.keys()].sort()).toEqual([
      CHECKPOINT_PATH,
      'tile/0/000',
      'tile/0/001.p/46',
      'tile/1/000.p/1',
      'tile/entries/000',
      'tile/entries/001.p/46',
    ]);
    expect(copy.entries.map((entry) => entry?.type)).toEqual(['shard.opened', ...Array(301).fill('audit.read')]);
  });

  it('is nothing where there is no checkpoint', async () => {
    expect(await copyLog(new MemoryStorage())).toBeUndefined();
  });

  it('begins again when a partial tile has made room for the full one', async () => {
    const { storage, log } = await logOf(250);
    const old = (await storage.read(CHECKPOINT_PATH))!;
    await log.integrate(Array.from({ length: 10 }, (_, i) => read(i)));
    for (const path of ['tile/0/000.p/250', 'tile/entries/000.p/250']) storage.files.delete(path);
    let reads = 0;
    const copy = await copyLog({
      read: async (path) => (path === CHECKPOINT_PATH && reads++ === 0 ? old : storage.read(path)),
    });
    expect(copy!.size).toBe(260);
    expect(reads).toBe(2);
  });

  it('gives up on a tile that stays away', async () => {
    const { storage } = await logOf(3);
    storage.files.delete('tile/0/000.p/3');
    await expect(copyLog(storage)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT', facts: { attempts: 20 } });
  });

  it('copies what it cannot read all the same: the audit tells what is wrong with it', async () => {
    const { storage } = await logOf(3);
    const path = 'tile/entries/000.p/3';
    await storage.write(path, new Uint8Array([0, 1, 65]));
    const copy = (await copyLog(storage))!;
    expect(copy.files.get(path)).toEqual(new Uint8Array([0, 1, 65]));
    expect(copy.entries).toEqual([undefined, undefined, undefined]);
  });

  it('is of no federation’s log when its name is none, and has no readable entries then', async () => {
    const storage = new MemoryStorage();
    const log = await TileLog.open({ origin: 'example.org/log', signer: newSigningKey(), storage });
    await log.integrate([new Uint8Array([1])]);
    expect((await copyLog(storage))!.entries).toEqual([undefined]);
  });
});
