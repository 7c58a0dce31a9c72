import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { entriesOf, HUB, ORIGIN } from './log.fixture.js';
import { MemoryStorage, type LogStorage } from './storage.js';
import { TileLog } from './tile-log.js';
import type { Signer } from './verifier-key.js';

/** A key that counts how often it signs. */
const counting = (): Signer & { signed: number } => ({
  signed: 0,
  publicKey: HUB.publicKey,
  sign(message) {
    this.signed += 1;
    return HUB.sign(message);
  },
});

const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};

/** A disk that flips one bit of what it stores under a path. */
class FlippingStorage extends MemoryStorage {
  flip: { path: string; at: number; bit: number } | undefined;

  override async write(path: string, bytes: Uint8Array): Promise<void> {
    const stored = bytes.slice();
    if (this.flip?.path === path) stored[this.flip.at]! ^= 1 << this.flip.bit;
    await super.write(path, stored);
  }
}

describe('between the disk and a signature', () => {
  const written = ['tile/entries/000', 'tile/entries/001.p/4', 'tile/0/000', 'tile/0/001.p/4', 'tile/1/000.p/1'];

  it.each(written)('one flipped bit in %s is found before the key is used', async (path) => {
    const sample = new MemoryStorage();
    const first = await TileLog.open({ origin: ORIGIN, signer: HUB, storage: sample });
    await first.integrate(entriesOf(260));
    const { byteLength } = sample.files.get(path)!;
    for (let at = 0; at < byteLength; at += Math.ceil(byteLength / 8)) {
      const storage = new FlippingStorage();
      const signer = counting();
      const log = await TileLog.open({ origin: ORIGIN, signer, storage });
      await log.integrate(entriesOf(200));
      storage.flip = { path, at, bit: at % 8 };
      expect(await codeOf(log.integrate(entriesOf(60, 200)))).toBe('LEDGER_CORRUPT');
      expect([signer.signed, log.size]).toEqual([1, 200]);
      storage.flip = undefined;
      expect(await codeOf(log.integrate(entriesOf(60, 200)))).toBe('LEDGER_CORRUPT'); // it has lost its trust
      expect((await TileLog.open({ origin: ORIGIN, signer, storage })).size).toBe(200);
    }
  });

  it('would sign the damage if it did not read back: the control', async () => {
    // The same damage behind a storage that reads from its cache what it never put on the disk.
    const disk = new FlippingStorage();
    const cache = new MemoryStorage();
    const storage: LogStorage = {
      read: cache.read,
      write: async (path, bytes) => {
        await cache.write(path, bytes);
        await disk.write(path, bytes);
      },
    };
    const signer = counting();
    const log = await TileLog.open({ origin: ORIGIN, signer, storage });
    disk.flip = { path: 'tile/entries/000', at: 100, bit: 3 };
    expect(await codeOf(log.integrate(entriesOf(260)))).toBe('accepted');
    expect(signer.signed).toBe(1);
    expect(await codeOf(TileLog.open({ origin: ORIGIN, signer, storage: disk }))).toBe('LEDGER_CORRUPT');
  });

  it('a file that was written and is not there is found', async () => {
    for (const path of ['tile/entries/000.p/3', 'tile/0/000.p/3']) {
      const storage = new MemoryStorage();
      const lossy: LogStorage = {
        ...storage,
        read: storage.read,
        write: async (p, b) => void (p !== path && (await storage.write(p, b))),
      };
      const signer = counting();
      const log = await TileLog.open({ origin: ORIGIN, signer, storage: lossy });
      expect(await codeOf(log.integrate(entriesOf(3)))).toBe('LEDGER_CORRUPT');
      expect(signer.signed).toBe(0);
    }
  });

  it('a checkpoint that somebody else has put there stops the log', async () => {
    const storage = new MemoryStorage();
    const signer = counting();
    const log = await TileLog.open({ origin: ORIGIN, signer, storage });
    await log.integrate(entriesOf(3));
    // A second program on the same folder has signed another past.
    const rival = await TileLog.open({ origin: ORIGIN, signer: HUB, storage });
    await rival.integrate(entriesOf(2, 3));
    expect(await codeOf(log.integrate(entriesOf(1, 3)))).toBe('LEDGER_CORRUPT');
    storage.files.delete('checkpoint');
    expect(await codeOf(rival.integrate(entriesOf(1, 5)))).toBe('LEDGER_CORRUPT');
    expect(signer.signed).toBe(1);
  });

  it('a hash function that goes wrong, as a failing memory would, is found: the past is no longer the signed one', async () => {
    const storage = new MemoryStorage();
    const signer = counting();
    let wrong = false;
    const { plainHash } = await import('./hash.js');
    const hash = (bytes: Uint8Array): Uint8Array => {
      const right = plainHash(bytes);
      if (wrong && bytes[0] === 1) right[0]! ^= 1;
      return right;
    };
    const log = await TileLog.open({ origin: ORIGIN, signer, storage, hash });
    await log.integrate(entriesOf(3));
    wrong = true;
    expect(await codeOf(log.integrate(entriesOf(2, 3)))).toBe('LEDGER_CORRUPT');
    expect(signer.signed).toBe(1);
  });

  it('a node that was computed wrong once is found when the root is computed a second time', async () => {
    const signer = counting();
    let nodes = 0;
    const { plainHash } = await import('./hash.js');
    const hash = (bytes: Uint8Array): Uint8Array => {
      const right = plainHash(bytes);
      if (bytes[0] === 1 && ++nodes === 2) right[0]! ^= 1;
      return right;
    };
    const log = await TileLog.open({ origin: ORIGIN, signer, storage: new MemoryStorage(), hash });
    expect(await codeOf(log.integrate(entriesOf(4)))).toBe('LEDGER_CORRUPT');
    expect(signer.signed).toBe(0);
  });
});

describe('a storage that fails', () => {
  class FailingStorage extends MemoryStorage {
    error: Error | undefined;
    override async write(path: string, bytes: Uint8Array): Promise<void> {
      if (this.error && (path === 'checkpoint' || !this.onlyCheckpoint)) throw this.error;
      await super.write(path, bytes);
    }
    constructor(readonly onlyCheckpoint: boolean) {
      super();
    }
  }

  it.each([[true], [false]])(
    'because it is full leaves the log as it was, and heals (checkpoint only: %s)',
    async (only) => {
      const storage = new FailingStorage(only);
      const log = await TileLog.open({ origin: ORIGIN, signer: HUB, storage });
      await log.integrate(entriesOf(3));
      const { note } = log;
      storage.error = new Fault('DISK_FULL');
      expect(await codeOf(log.integrate(entriesOf(5, 3)))).toBe('DISK_FULL');
      expect([log.size, log.note]).toEqual([3, note]);
      storage.error = undefined;
      await log.integrate(entriesOf(5, 3));
      expect((await TileLog.open({ origin: ORIGIN, signer: HUB, storage })).size).toBe(8);
    },
  );

  it('in any other way stops the log until it is opened again', async () => {
    const storage = new FailingStorage(false);
    const log = await TileLog.open({ origin: ORIGIN, signer: HUB, storage });
    await log.integrate(entriesOf(3));
    storage.error = new Error('EIO');
    expect(await codeOf(log.integrate(entriesOf(5, 3)))).toBe('LEDGER_UNWRITABLE');
    storage.error = undefined;
    expect(await codeOf(log.integrate(entriesOf(5, 3)))).toBe('LEDGER_UNWRITABLE');
    const again = await TileLog.open({ origin: ORIGIN, signer: HUB, storage });
    expect(await codeOf(again.integrate(entriesOf(5, 3)))).toBe('accepted');
  });
});
