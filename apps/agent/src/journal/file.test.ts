import { mkdtemp, readFile, rm, stat, writeFile, appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RUN, NO_DIGEST } from '../plan.fixture.js';
import { clockAt } from '../twins.fixture.js';
import { readChain } from './chain.js';
import type { JournalRecord } from './entry.js';
import { FileJournal, readJournal } from './file.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'));
  path = join(folder, 'journal.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const clock = clockAt();
const progress = (round: number): JournalRecord => ({
  type: 'training.started',
  run: RUN,
  round,
  attempt: 1,
  modelDigest: NO_DIGEST,
});

describe('the journal on disk', () => {
  it('is readable by its owner alone', async () => {
    const { journal } = await FileJournal.open(path, clock);
    await journal.close();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('gives back after a restart what was appended before', async () => {
    const first = await FileJournal.open(path, clock);
    await first.journal.append(progress(1));
    await first.journal.append(progress(2));
    await first.journal.close();
    const second = await FileJournal.open(path, clock);
    expect(second.entries.map((entry) => entry.type === 'training.started' && entry.round)).toEqual([1, 2]);
    await second.journal.append(progress(3));
    await second.journal.close();
    expect((await readJournal(path)).head.seq).toBe(3);
  });

  it('has the line on disk when append resolves, without being closed', async () => {
    const { journal } = await FileJournal.open(path, clock);
    await journal.append(progress(1));
    expect(readChain(await readFile(path)).entries).toHaveLength(1);
    await journal.close();
  });

  it('keeps the order of appends that were not awaited', async () => {
    const { journal } = await FileJournal.open(path, clock);
    await Promise.all(Array.from({ length: 20 }, (_, i) => journal.append(progress(i + 1))));
    await journal.close();
    const { entries } = await readJournal(path);
    expect(entries.map((entry) => entry.type === 'training.started' && entry.round)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
  });

  it('cuts off the half line of a crash, notes it, and goes on', async () => {
    const { journal } = await FileJournal.open(path, clock);
    await journal.append(progress(1));
    await journal.close();
    await appendFile(path, '{"at":17000');
    const again = await FileJournal.open(path, clock);
    expect(again.entries.at(-1)).toMatchObject({ type: 'journal.repaired', tornBytes: 11 });
    await again.journal.append(progress(2));
    await again.journal.close();
    expect((await readJournal(path)).entries.map(({ type }) => type)).toEqual([
      'training.started',
      'journal.repaired',
      'training.started',
    ]);
  });

  it('refuses any other damage and leaves the file as it is', async () => {
    const { journal } = await FileJournal.open(path, clock);
    await journal.append(progress(1));
    await journal.append(progress(2));
    await journal.close();
    const damaged = (await readFile(path, 'utf8')).replace('"round":1', '"round":3');
    await writeFile(path, damaged);
    await expect(FileJournal.open(path, clock)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT', facts: { line: 2 } });
    expect(await readFile(path, 'utf8')).toBe(damaged);
  });

  it('takes nothing more after it was closed', async () => {
    const { journal } = await FileJournal.open(path, clock);
    await journal.close();
    await expect(journal.append(progress(1))).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('tells that there is no journal', async () => {
    await expect(readJournal(path)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('counts a line that is being written as torn, for a reader beside a running agent', async () => {
    const { journal } = await FileJournal.open(path, clock);
    await journal.append(progress(1));
    await journal.close();
    await appendFile(path, '{"at":');
    expect(await readJournal(path)).toMatchObject({ head: { seq: 1 }, tornBytes: 6 });
  });
});

describe('a disk that fills up', () => {
  it('is reported as DISK_FULL or refused, and never leaves half a line behind the next entry', async () => {
    const { journal } = await FileJournal.open(path, clock);
    await journal.append(progress(1));
    const handle = (
      journal as unknown as { file: { appendFile(bytes: Buffer): Promise<void>; truncate(n: number): Promise<void> } }
    ).file;
    const original = handle.appendFile.bind(handle);
    handle.appendFile = async (bytes) => {
      await original(bytes.subarray(0, 10));
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    await expect(journal.append(progress(2))).rejects.toMatchObject({ code: 'DISK_FULL' });
    handle.appendFile = original;
    await journal.append(progress(3));
    await journal.close();
    const { entries, tornBytes } = await readJournal(path);
    expect(tornBytes).toBe(0);
    expect(entries.map((entry) => entry.type === 'training.started' && entry.round)).toEqual([1, 3]);
  });

  it('takes nothing more after a flush that failed, since the kernel may have dropped what it held', async () => {
    const { journal } = await FileJournal.open(path, clock);
    const handle = (journal as unknown as { file: { sync(): Promise<void> } }).file;
    const original = handle.sync.bind(handle);
    handle.sync = () => Promise.reject(Object.assign(new Error('io'), { code: 'EIO' }));
    await expect(journal.append(progress(1))).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
    handle.sync = original;
    await expect(journal.append(progress(2))).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
    await journal.close();
  });
});
