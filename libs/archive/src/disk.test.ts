import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLog, TileLog } from '@consilium/ledger';
import { Fault, InvariantError, ManualClock, utf8, type Digest } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diskFiles, diskLogStorage, readOnlyLog } from './disk.js';
import { Documents } from './documents.js';
import { DurableLog, ROWS } from './durable-log.js';
import { isErrno, writeFault } from './errno.js';
import { opensslHash } from './hash.js';
import { collect, IN_2026, IN_2027, keyOf, ORIGIN, roundsOf, settingsAt, SIGNER, trained } from './log.fixture.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-archive-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const fresh = (): Promise<string> => mkdtemp(join(folder, 'case-'));
const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};
const errno = (code: string): Error => Object.assign(new Error(`${code}: '/secret/path'`), { code });
const onLinux = process.platform === 'linux';

describe('a shard’s files on disk', () => {
  it('lie where tlog-tiles puts them, whole, and for their owner alone', async () => {
    const at = join(await fresh(), 'ledger', '2026');
    const storage = diskLogStorage(at);
    await storage.write('tile/0/x001/067.p/12', Buffer.from('first'));
    await storage.write('tile/0/x001/067.p/12', Buffer.from('second'));
    expect(await readFile(join(at, 'tile/0/x001/067.p/12'), 'utf8')).toBe('second');
    expect(await readdir(join(at, 'tile/0/x001/067.p'))).toEqual(['12']);
    expect((await stat(join(at, 'tile/0/x001/067.p/12'))).mode & 0o777).toBe(0o600);
    expect((await stat(at)).mode & 0o777).toBe(0o700);
  });

  it('are read where they are, and are undefined where they are not', async () => {
    const at = await fresh();
    const storage = diskLogStorage(at);
    expect(await storage.read('checkpoint')).toBeUndefined();
    await storage.writeAll!(
      new Map([
        ['checkpoint', utf8('x')],
        ['tile/0/000', utf8('y')],
      ]),
    );
    expect(await storage.read('checkpoint')).toEqual(utf8('x'));
    await mkdir(join(at, 'tile/0/001'));
    for (const path of ['tile/0/001', 'tile/0/000.p/1', 'tile/1/000']) expect(await storage.read(path)).toBeUndefined();
  });

  it('are the only ones that can be asked for or written', async () => {
    const at = await fresh();
    await writeFile(join(at, 'secret'), 'x');
    const storage = diskLogStorage(join(at, '2026'));
    expect(await storage.read('../secret')).toBeUndefined();
    await expect(storage.write('../secret', utf8('y'))).rejects.toThrow(InvariantError);
    expect(await readFile(join(at, 'secret'), 'utf8')).toBe('x');
  });

  it('lose their superseded partial tiles, also where there are none', async () => {
    const at = await fresh();
    const storage = diskLogStorage(at);
    await storage.write('tile/0/000.p/1', utf8('x'));
    await storage.remove!('tile/0/000.p');
    await storage.remove!('tile/0/000.p');
    expect(await readdir(join(at, 'tile/0'))).toEqual([]);
  });

  it('make a log that is opened again and verified, with either SHA-256', async () => {
    const at = await fresh();
    const settings = { origin: `${ORIGIN}/2026`, signer: SIGNER, storage: diskLogStorage(at) };
    const log = await TileLog.open({ ...settings, hash: opensslHash });
    await log.integrate(Array.from({ length: 300 }, (_, i) => utf8(`${i}`)));
    await log.integrate(Array.from({ length: 300 }, (_, i) => utf8(`${i}`)));
    expect((await TileLog.open(settings)).rootAt(600)).toEqual(log.rootAt(600));
    expect(await readdir(join(at, 'tile/entries'))).toEqual(['000', '001', '002.p']);
  });
});

describe('errors of the disk', () => {
  it('are a full disk, which heals, or a log that cannot be written; their texts go no further', () => {
    for (const code of ['ENOSPC', 'EDQUOT']) expect(writeFault(errno(code))).toMatchObject({ code: 'DISK_FULL' });
    for (const code of ['EIO', 'EROFS', 'EACCES'])
      expect(writeFault(errno(code))).toMatchObject({ code: 'LEDGER_UNWRITABLE' });
    expect(writeFault(errno('EIO')).message).not.toContain('secret');
    const fault = new Fault('DISK_FULL');
    expect(writeFault(fault)).toBe(fault);
    expect([isErrno('EIO', 'EIO'), isErrno(new Error('EIO'), 'EIO')]).toEqual([false, false]);
  });

  it.skipIf(!onLinux)('leave nothing behind when the disk is full (needs Linux’s /dev/full)', async () => {
    const at = await fresh();
    const storage = diskLogStorage(at);
    await storage.write('checkpoint', utf8('before'));
    await symlink('/dev/full', join(at, 'checkpoint.draft'));
    const files = new Map([
      ['tile/0/000', utf8('x')],
      ['checkpoint', utf8('after')],
    ]);
    expect(await codeOf(storage.writeAll!(files))).toBe('DISK_FULL');
    expect([await readFile(join(at, 'checkpoint'), 'utf8'), await storage.read('tile/0/000')]).toEqual([
      'before',
      undefined,
    ]);
    expect(await readdir(at)).toEqual(['checkpoint', 'tile']);
    expect(await codeOf(storage.writeAll!(files))).toBe('accepted');
  });

  it('that come when a name is already taken do not heal', async () => {
    const at = await fresh();
    await mkdir(join(at, 'checkpoint', 'taken'), { recursive: true });
    expect(await codeOf(diskLogStorage(at).write('checkpoint', utf8('x')))).toBe('LEDGER_UNWRITABLE');
    await writeFile(join(at, 'tile'), 'a file where a folder should be');
    expect(await codeOf(diskLogStorage(at).write('tile/0/000', utf8('x')))).toBe('LEDGER_UNWRITABLE');
  });

  it.skipIf(!onLinux)('in an append that cannot be undone do not heal (needs Linux’s /dev/full)', async () => {
    const at = await fresh();
    await symlink('/dev/full', join(at, 'rows'));
    const files = diskFiles(at);
    expect(await codeOf(files.append('rows', 0, utf8('x')))).toBe('LEDGER_UNWRITABLE');
    expect(await codeOf(files.append('none', 0, utf8('x')))).toBe('LEDGER_UNWRITABLE');
    expect(await codeOf(files.truncate('none', 0))).toBe('LEDGER_UNWRITABLE');
  });

  it.skipIf(!onLinux)('in reading are damage (needs Linux’s /proc)', async () => {
    // Reading the memory of a process at address 0 is an input/output error.
    const at = await fresh();
    await symlink('/proc/self/mem', join(at, 'checkpoint'));
    expect(await codeOf(diskLogStorage(at).read('checkpoint'))).toBe('LEDGER_CORRUPT');
    await writeFile(join(at, 'file'), '');
    expect(await codeOf(diskFiles(join(at, 'file')).list())).toBe('LEDGER_CORRUPT');
    expect(await codeOf(new Documents(join(at, 'file')).list())).toBe('LEDGER_CORRUPT');
    expect(await codeOf(new Documents(join(at, 'file')).get('0'.repeat(64) as Digest))).toBe('LEDGER_CORRUPT');
  });
});

describe('appending', () => {
  it('writes at the length that is told, over what a torn write has left', async () => {
    const at = await fresh();
    const files = diskFiles(at);
    await files.write('rows', utf8('abcTORN'));
    await files.append('rows', 3, utf8('defg'));
    expect(await readFile(join(at, 'rows'), 'utf8')).toBe('abcdefg');
    await files.truncate('rows', 2);
    expect(await readFile(join(at, 'rows'), 'utf8')).toBe('ab');
    expect(await files.list()).toEqual(['rows']);
    expect(await diskFiles(join(at, 'none')).list()).toEqual([]);
  });
});

describe('a durable log on disk', () => {
  it('spans years and restarts, and is readable by others while it is written', async () => {
    const at = await fresh();
    const clock = new ManualClock(IN_2026);
    const first = await DurableLog.open({ ...settingsAt(clock), folder: at });
    for (let round = 1; round <= 300; round++) void first.record(trained(round));
    await first.checkpoint();
    clock.time = IN_2027;
    await first.record(trained(301));
    await first.close();

    const second = await DurableLog.open({ ...settingsAt(clock), folder: at });
    expect(roundsOf(await collect(second.entries()))).toEqual(Array.from({ length: 301 }, (_, i) => i + 1));
    await second.checkpoint();
    const reader = readOnlyLog(at);
    expect(await reader.shards()).toEqual(['2026', '2027']);
    for (const shard of await reader.shards()) {
      const request = { origin: `${ORIGIN}/${shard}`, logKey: keyOf(shard), witnesses: [], kind: 'site' } as const;
      expect((await readLog({ ...request, read: reader.shard(shard) })).checkpoint.size).toBe(
        shard === '2026' ? 301 : 2,
      );
    }
    expect(await reader.shard('../x')('checkpoint')).toBeUndefined();
    expect((await readdir(at)).sort()).toEqual(['2026', '2027', ROWS]);
    expect((await stat(join(at, ROWS))).mode & 0o777).toBe(0o600);
  });
});

describe('documents', () => {
  it('are kept under the SHA-256 of their bytes', async () => {
    const documents = new Documents(join(await fresh(), 'documents'));
    expect(await documents.list()).toEqual([]);
    const digest = await documents.put(utf8('abc'));
    // FIPS 180-4, the example of the standard.
    expect(digest).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(await documents.put(utf8('abc'))).toBe(digest);
    expect(await documents.get(digest)).toEqual(utf8('abc'));
    expect([await documents.has(digest), await documents.has('0'.repeat(64) as Digest)]).toEqual([true, false]);
    expect(await documents.list()).toEqual([digest]);
  });

  it('may be put by many at once: the same bytes are one document', async () => {
    const documents = new Documents(join(await fresh(), 'documents'));
    const put = await Promise.all(Array.from({ length: 20 }, (_, i) => documents.put(utf8(i % 2 ? 'abc' : 'def'))));
    expect(await documents.list()).toEqual([...new Set(put)].sort());
    for (const digest of put) expect(await documents.has(digest)).toBe(true);
  });

  it('that were changed are refused, and come back when they are put again', async () => {
    const at = await fresh();
    const documents = new Documents(at);
    const digest = await documents.put(utf8('abc'));
    await writeFile(join(at, `${digest}.json`), 'abd');
    await writeFile(join(at, 'notes.txt'), 'x');
    await writeFile(join(at, 'other.json'), 'x');
    expect(await codeOf(documents.get(digest))).toBe('LEDGER_CORRUPT');
    expect(await documents.has(digest)).toBe(false);
    await documents.put(utf8('abc'));
    expect(await codeOf(documents.get(digest))).toBe('accepted');
    expect(await documents.list()).toEqual([digest]);
  });

  it('are asked for by digests only', async () => {
    const at = await fresh();
    await writeFile(join(at, 'secret.json'), 'x');
    const documents = new Documents(join(at, 'documents'));
    expect(await codeOf(documents.get('../secret' as Digest))).toBe('NOT_FOUND');
    expect(await codeOf(documents.get('0'.repeat(64) as Digest))).toBe('NOT_FOUND');
  });
});
