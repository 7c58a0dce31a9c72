import { readLog, type SiteEntry } from '@consilium/ledger';
import { Fault, ManualClock, toHex, utf8 } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { DurableLog, ROWS } from './durable-log.js';
import { MemoryFiles } from './files.js';
import { collect, IN_2026, IN_2027, keyOf, ORIGIN, roundsOf, settingsAt, trained } from './log.fixture.js';

let files: MemoryFiles;
let clock: ManualClock;
beforeEach(() => {
  files = new MemoryFiles();
  clock = new ManualClock(IN_2026);
});

const open = (): Promise<DurableLog<'site'>> => DurableLog.over(files, settingsAt(clock));
const entriesOf = async (log: DurableLog<'site'>): Promise<SiteEntry[]> => collect(log.entries());
const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};
const rowsText = (): string => Buffer.from(files.files.get(ROWS)!).toString();

describe('a durable log', () => {
  it('opens its first shard with the entry that says so', async () => {
    const [first, ...rest] = await entriesOf(await open());
    expect(first).toMatchObject({ type: 'shard.opened', year: 2026, predecessor: null, reason: 'first', at: IN_2026 });
    expect(rest).toEqual([]);
  });

  it('gives back after a restart what was recorded, whether a checkpoint covers it or not', async () => {
    const first = await open();
    await first.record(trained(1));
    await first.checkpoint();
    await first.record(trained(2));
    const second = await open();
    expect(roundsOf(await entriesOf(second))).toEqual([1, 2]);
    await second.record(trained(3));
    await second.checkpoint();
    expect(roundsOf(await entriesOf(await open()))).toEqual([1, 2, 3]);
  });

  it('gives each entry its time and its own salt', async () => {
    const log = await open();
    const one = await log.record(trained(1));
    clock.advance(5);
    const other = await log.record(trained(1));
    expect([one.at, other.at]).toEqual([IN_2026, IN_2026 + 5]);
    expect(one.salt).toMatch(/^[0-9a-f]{32}$/);
    expect(other.salt).not.toBe(one.salt);
  });

  it('keeps the order of what is recorded at once, and writes it down together', async () => {
    const log = await open();
    let appends = 0;
    const append = files.append.bind(files);
    files.append = async (...call) => {
      appends += 1;
      await append(...call);
    };
    await Promise.all(Array.from({ length: 50 }, (_, i) => log.record(trained(i + 1))));
    expect(roundsOf(await entriesOf(log))).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(appends).toBeLessThan(5);
  });

  it('has its checkpoints in the form that anybody can verify', async () => {
    const log = await open();
    for (let round = 1; round <= 5; round++) await log.record(trained(round));
    const note = await log.checkpoint();
    const read = await readLog({
      read: files.within('2026').read,
      origin: `${ORIGIN}/2026`,
      logKey: keyOf('2026'),
      witnesses: [],
      kind: 'site',
    });
    expect(read.note).toBe(note);
    expect(read.entries).toEqual(await entriesOf(log));
    expect(log.shard.note).toBe(note);
    expect(rowsText()).toBe('{"from":6,"shard":"2026"}\n');
  });

  it('has nothing to sign twice: a checkpoint of nothing new is the one before', async () => {
    const log = await open();
    const note = await log.checkpoint();
    expect(await log.checkpoint()).toBe(note);
  });

  it('integrates by itself when a thousand rows have come', async () => {
    const log = await open();
    await Promise.all(Array.from({ length: 1500 }, (_, i) => log.record(trained(i + 1))));
    await log.record(trained(1501));
    expect(log.shard.size).toBeGreaterThanOrEqual(1000);
    expect(roundsOf(await entriesOf(await open()))).toHaveLength(1501);
  });

  it('refuses what is no entry before anything is written', async () => {
    const log = await open();
    const before = rowsText();
    expect(await codeOf(log.record({ type: 'CANARY' } as never))).toBe('LEDGER_ENTRY_INVALID');
    expect(rowsText()).toBe(before);
    expect(await codeOf(log.record(trained(1)))).toBe('accepted');
  });

  it('lets so many wait for the disk and no more', async () => {
    const log = await open();
    const waiting = Array.from({ length: 10_050 }, () => codeOf(log.record(trained(1))));
    const outcomes = await Promise.all(waiting);
    expect(outcomes.filter((outcome) => outcome === 'OVERLOADED')).toHaveLength(50);
    expect(roundsOf(await entriesOf(log))).toHaveLength(10_000);
  }, 120_000);

  it('records nothing after it was closed, but all that came before', async () => {
    const log = await open();
    const last = log.record(trained(1));
    await log.close();
    await last;
    expect(await codeOf(log.record(trained(2)))).toBe('CANCELLED');
    expect(await codeOf(log.checkpoint())).toBe('CANCELLED');
    expect(roundsOf(await entriesOf(await open()))).toEqual([1]);
  });
});

describe('the turn of the year', () => {
  it('ends a shard, opens the next with its predecessor’s final checkpoint, and state spans both', async () => {
    const log = await open();
    await log.record(trained(1));
    clock.time = IN_2027 - 1;
    await log.record(trained(2));
    clock.time = IN_2027;
    await log.record(trained(3));
    await log.checkpoint();
    const [old] = log.earlierShards;
    expect([old!.origin, old!.size, log.shard.origin, log.shard.size]).toEqual([
      `${ORIGIN}/2026`,
      3,
      `${ORIGIN}/2027`,
      2,
    ]);
    const entries = await entriesOf(log);
    expect(entries[3]).toMatchObject({
      type: 'shard.opened',
      year: 2027,
      predecessor: { size: 3, root: toHex(old!.rootAt(3)) },
      reason: 'year',
      lost: 0,
    });
    expect(roundsOf(entries)).toEqual([1, 2, 3]);
    expect(await entriesOf(await open())).toEqual(entries);
    expect([...(await files.list())].sort()).toEqual(['2026', '2027', ROWS]);
  });

  it('puts entries of two years that were recorded at once into their shards', async () => {
    const log = await open();
    const one = log.record(trained(1));
    clock.time = IN_2027;
    await Promise.all([one, log.record(trained(2)), log.record(trained(3))]);
    expect(log.shard.origin).toBe(`${ORIGIN}/2027`);
    expect((await entriesOf(log)).map(({ type }) => type)).toEqual([
      'shard.opened',
      'training.finished',
      'shard.opened',
      'training.finished',
      'training.finished',
    ]);
  });

  it('is not turned back by a clock that jumps', async () => {
    clock.time = IN_2027;
    const log = await open();
    clock.time = IN_2026;
    await log.record(trained(1));
    expect(log.shard.origin).toBe(`${ORIGIN}/2027`);
    expect(roundsOf(await entriesOf(await open()))).toEqual([1]);
  });
});

describe('a log that was restored from an old copy', () => {
  it('goes on in a shard of its own, which names the gap', async () => {
    const log = await open();
    await log.record(trained(1));
    await log.checkpoint();
    await log.restore(42);
    await log.record(trained(2));
    await log.checkpoint();
    await log.restore(7);
    const opened = (await entriesOf(await open())).filter(({ type }) => type === 'shard.opened');
    expect(opened).toMatchObject([
      { reason: 'first', lost: 0 },
      { reason: 'restore', lost: 42, year: 2026, predecessor: { size: 2 } },
      { reason: 'restore', lost: 7, year: 2026, predecessor: { size: 2 } },
    ]);
    await log.checkpoint();
    expect([...(await files.list())].sort()).toEqual(['2026', '2026-2', '2026-3', ROWS]);
  });

  it('signs nothing more in the old shard: what was not signed there goes on in the new one', async () => {
    const log = await open();
    await log.record(trained(1));
    const before = await log.checkpoint();
    await log.record(trained(2)); // as an agent writes before it learns that its state is an old copy
    await log.restore(3);
    await log.checkpoint();
    const reopened = await open();
    expect(reopened.earlierShards.map(({ note }) => note)).toEqual([before]);
    expect((await entriesOf(reopened)).map(({ type }) => type)).toEqual([
      'shard.opened',
      'training.finished',
      'shard.opened',
      'training.finished',
    ]);
  });

  it('names one gap for two restores of which the first was never signed', async () => {
    const log = await open();
    await log.record(trained(1));
    await log.checkpoint();
    await log.restore(42);
    await log.record(trained(2));
    await log.restore(7);
    await log.checkpoint();
    const opened = (await entriesOf(await open())).filter(({ type }) => type === 'shard.opened');
    expect(opened).toMatchObject([{ reason: 'first' }, { reason: 'restore', lost: 49, predecessor: { size: 2 } }]);
  });

  it('may be one that had signed nothing yet', async () => {
    const log = await open();
    await log.record(trained(1));
    await log.restore(5);
    await log.checkpoint();
    const entries = await entriesOf(await open());
    expect(entries.map(({ type }) => type)).toEqual(['shard.opened', 'training.finished']);
    expect(entries[0]).toMatchObject({ reason: 'restore', lost: 5, predecessor: null });
  });

  it('can be told from one that was not, by what a witness has seen', async () => {
    const log = await open();
    await log.record(trained(1));
    await log.checkpoint();
    const snapshot = new Map([...files.files].map(([path, bytes]) => [path, bytes.slice()] as const));
    await log.record(trained(2));
    await log.checkpoint();
    const seen = log.shard.checkpoint;
    files.files.clear();
    for (const [path, bytes] of snapshot) files.files.set(path, bytes);
    const restored = await open();
    expect(() => restored.shard.requireExtends(seen)).toThrow(expect.objectContaining({ code: 'LEDGER_ROLLED_BACK' }));
    // Were it to go on in the same shard, it would show another past at the size that was seen.
    await restored.record(trained(3));
    await restored.checkpoint();
    expect(() => restored.shard.requireExtends(seen)).toThrow(expect.objectContaining({ code: 'LEDGER_FORKED' }));
  });
});

describe('a folder that was tampered with', () => {
  const grown = async (): Promise<void> => {
    const log = await open();
    await log.record(trained(1));
    await log.checkpoint();
    await log.record(trained(2));
    clock.time = IN_2027;
    await log.record(trained(3));
    await log.checkpoint();
    await log.record(trained(4));
  };

  it.each([
    ['the rows are gone', () => files.files.delete(ROWS)],
    ['a shard is gone', () => [...files.files.keys()].forEach((p) => p.startsWith('2026/') && files.files.delete(p))],
    [
      'the newest shard is gone',
      () => [...files.files.keys()].forEach((p) => p.startsWith('2027/') && files.files.delete(p)),
    ],
    ['a shard’s checkpoint is gone', () => files.files.delete('2026/checkpoint')],
    ['the rows are of an older shard', () => files.files.set(ROWS, utf8('{"from":0,"shard":"2026"}\n'))],
    ['the rows skip entries', () => files.files.set(ROWS, utf8('{"from":9,"shard":"2027"}\n'))],
    ['the rows are older than the tiles', () => files.files.set(ROWS, utf8('{"from":0,"shard":"2027"}\n'))],
    ['the rows are nothing', () => files.files.set(ROWS, utf8(''))],
    ['the rows name no shard', () => files.files.set(ROWS, utf8('{"from":0,"shard":"../x"}\n'))],
    ['the rows are no text', () => files.files.set(ROWS, Uint8Array.of(0xff, 0x0a))],
    ['a row has changed', () => files.files.set(ROWS, utf8(rowsText().replace('"round":4', '"round":5')))],
    ['a row’s hash has changed', () => files.files.set(ROWS, utf8(rowsText().replace(/"leaf":"./, '"leaf":"x')))],
    ['a row is no row', () => files.files.set(ROWS, utf8(`${rowsText()}{}\n`))],
  ])('is not gone on with when %s', async (_, tamper) => {
    await grown();
    tamper();
    expect(await codeOf(open())).toBe('LEDGER_CORRUPT');
  });

  it('is refused when the rows repeat another entry than the tiles have', async () => {
    const log = await open();
    await log.record(trained(1));
    const before = files.files.get(ROWS)!;
    await log.checkpoint();
    files.files.set(ROWS, before); // as a crash between checkpoint and forgetting leaves it
    expect(await codeOf(open())).toBe('accepted');
    const other = new MemoryFiles();
    await (await DurableLog.over(other, settingsAt(clock))).record(trained(1));
    files.files.set(ROWS, other.files.get(ROWS)!); // the same event with another salt
    expect(await codeOf(open())).toBe('LEDGER_CORRUPT');
  });

  it('is refused when a shard of another history stands in for the one before', async () => {
    await grown();
    const other = new MemoryFiles();
    const rival = await DurableLog.over(other, settingsAt(new ManualClock(IN_2026)));
    await rival.record(trained(9));
    await rival.checkpoint();
    for (const path of [...files.files.keys()]) if (path.startsWith('2026/')) files.files.delete(path);
    for (const [path, bytes] of other.files) if (path.startsWith('2026/')) files.files.set(path, bytes);
    expect(await codeOf(open())).toBe('LEDGER_CORRUPT');
  });

  it('is refused when a shard lies where the next one should begin', async () => {
    const log = await open();
    const rivalFiles = new MemoryFiles();
    const planted = await DurableLog.over(rivalFiles, settingsAt(new ManualClock(IN_2027)));
    await planted.checkpoint();
    for (const [path, bytes] of rivalFiles.files) if (path.startsWith('2027/')) files.files.set(path, bytes);
    clock.time = IN_2027;
    expect(await codeOf(log.record(trained(1)))).toBe('LEDGER_CORRUPT');
  });

  it('is refused when a shard does not open with its opening', async () => {
    await open();
    const place = rowsText().split('\n')[0]!;
    files.files.set(ROWS, utf8(`${place}\n`));
    expect(await codeOf(open())).toBe('LEDGER_CORRUPT');
  });
});
