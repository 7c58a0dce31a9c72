import { Fault, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryFiles } from './files.js';
import { RowFile } from './row-file.js';
import { isShardName, nextShard, shardPlace, sortShards, yearOf } from './shard.js';

const PATH = 'rows';
const PLACE = { shard: '2026', from: 5 };
const rows = (...texts: string[]): Uint8Array[] => texts.map((text) => utf8(`{"a":"${text}"}`));

let files: MemoryFiles;
beforeEach(() => {
  files = new MemoryFiles();
});
const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};
const text = (): string => Buffer.from(files.files.get(PATH)!).toString();

describe('a file of rows', () => {
  it('is not there before it was begun', async () => {
    expect(await RowFile.open(files, PATH)).toBeUndefined();
  });

  it('has one line for its place and one for each row, with the hash of its leaf', async () => {
    const file = await RowFile.begin(files, PATH, PLACE, rows('x'));
    await file.append(rows('y'));
    // printf '\0{"a":"x"}' | sha256sum
    expect(text().split('\n')).toEqual([
      '{"from":5,"shard":"2026"}',
      '{"entry":{"a":"x"},"leaf":"80e45ab18cd080e5cb5ca55d765130a4aa70b318a8847e91efcbacb3e2d06a98"}',
      expect.stringMatching(/^\{"entry":\{"a":"y"\},"leaf":"[0-9a-f]{64}"\}$/),
      '',
    ]);
  });

  it('gives back after a restart what was appended', async () => {
    const file = await RowFile.begin(files, PATH, PLACE, []);
    await file.append(rows('x', 'é'));
    await file.append(rows('y'));
    const again = (await RowFile.open(files, PATH))!;
    expect([again.shard, again.from]).toEqual(['2026', 5]);
    expect(again.rows).toEqual(rows('x', 'é', 'y'));
    await again.append(rows('z'));
    expect((await RowFile.open(files, PATH))!.rows).toHaveLength(4);
  });

  it('forgets rows that have been integrated, and then counts from the next', async () => {
    const file = await RowFile.begin(files, PATH, PLACE, rows('x', 'y', 'z'));
    await file.takeIntegrated(0);
    await file.takeIntegrated(2);
    await file.append(rows('w'));
    const again = (await RowFile.open(files, PATH))!;
    expect([again.from, again.rows]).toEqual([7, rows('z', 'w')]);
  });

  it('tells a torn last line from damage, at every length it can be torn', async () => {
    const file = await RowFile.begin(files, PATH, PLACE, rows('x'));
    const whole = files.files.get(PATH)!.byteLength;
    await file.append(rows('y'));
    const bytes = files.files.get(PATH)!;
    for (let length = whole; length < bytes.byteLength; length++) {
      files.files.set(PATH, bytes.slice(0, length));
      expect((await RowFile.open(files, PATH))!.rows).toEqual(rows('x'));
      expect(files.files.get(PATH)).toHaveLength(whole);
    }
  });

  it('finds any changed bit of a row that another one follows', async () => {
    await RowFile.begin(files, PATH, PLACE, rows('x', 'y'));
    const bytes = files.files.get(PATH)!;
    const first = bytes.indexOf(0x0a) + 1;
    const last = bytes.subarray(0, -1).lastIndexOf(0x0a);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: first, max: last }), fc.nat(7), async (at, bit) => {
        const changed = bytes.slice();
        changed[at]! ^= 1 << bit;
        files.files.set(PATH, changed);
        expect(await codeOf(RowFile.open(files, PATH))).toBe('LEDGER_CORRUPT');
      }),
    );
  });

  it('takes rows again after a full disk, and none after anything else', async () => {
    const file = await RowFile.begin(files, PATH, PLACE, []);
    const append = files.append.bind(files);
    const failing = (error: Error) => async (): Promise<void> => {
      throw error;
    };
    files.append = failing(new Fault('DISK_FULL'));
    expect(await codeOf(file.append(rows('x')))).toBe('DISK_FULL');
    files.append = append;
    await file.append(rows('y'));
    expect(file.rows).toEqual(rows('y'));
    files.append = failing(new Error('EIO'));
    expect(await codeOf(file.append(rows('z')))).toBe('LEDGER_UNWRITABLE');
    files.append = append;
    expect(await codeOf(file.append(rows('z')))).toBe('LEDGER_UNWRITABLE');
    expect(await codeOf(file.takeIntegrated(1))).toBe('LEDGER_UNWRITABLE');
    expect((await RowFile.open(files, PATH))!.rows).toEqual(rows('y'));
  });
});

describe('shards', () => {
  it('are named by their year, and by their place within it from the second on', () => {
    for (const name of ['2026', '2026-2', '2026-10', '2026-999']) expect(isShardName(name)).toBe(true);
    for (const name of ['', '26', '20260', '2026-', '2026-0', '2026-1', '2026-02', '2026-1000', 'x2026', '../2026'])
      expect(isShardName(name)).toBe(false);
    expect(shardPlace('2026-12')).toEqual({ year: 2026, part: 12 });
    expect(shardPlace('2026')).toEqual({ year: 2026, part: 1 });
  });

  it('are sorted by time, not by letters', () => {
    expect(sortShards(['2027', '2026-10', '2026-2', '2026'])).toEqual(['2026', '2026-2', '2026-10', '2027']);
  });

  it('follow each other with the years, and within a year only after a restore', () => {
    expect(nextShard('2026', 2026, 'year')).toBeUndefined();
    expect(nextShard('2026', 2025, 'year')).toBeUndefined();
    expect(nextShard('2026-3', 2028, 'year')).toBe('2028');
    expect(nextShard('2026', 2026, 'restore')).toBe('2026-2');
    expect(nextShard('2026-2', 2025, 'restore')).toBe('2026-3');
    expect(nextShard('2026', 2027, 'restore')).toBe('2027');
  });

  it('begin with the year of UTC', () => {
    expect(yearOf(Date.UTC(2027, 0, 1) - 1)).toBe(2026);
    expect(yearOf(Date.UTC(2027, 0, 1))).toBe(2027);
  });
});
