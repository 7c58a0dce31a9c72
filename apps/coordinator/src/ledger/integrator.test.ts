import { parseCheckpointNote, type CoordinatorEvent } from '@consilium/ledger';
import { Fault, ManualClock, toHex } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { MemoryLedgerRows } from '../adapters/memory/ledger.js';
import { MemoryTables } from '../adapters/memory/stores.js';
import { LedgerDisk, openMemoryLog, readShard } from '../fixtures/ledger.fixture.js';
import { settled } from '../fixtures/world.fixture.js';
import type { LedgerRow, LedgerRows } from '../ports.js';
import type { OpenLedger } from './open-ledger.js';

const START_MS = Date.UTC(2026, 5, 1);
const refused: CoordinatorEvent = { type: 'token.refused', code: 'JOIN_TOKEN_INVALID' };
const denied: CoordinatorEvent = { type: 'user.denied', code: 'ACCESS_DENIED' };

/** What outlives the program: its tables and its disk. */
class Machine {
  readonly tables = new MemoryTables();
  readonly clock = new ManualClock(START_MS);
  readonly fatal: unknown[] = [];
  disk = new LedgerDisk();

  async start(rows: LedgerRows = new MemoryLedgerRows(this.tables.ledger)): Promise<OpenLedger> {
    const { tables, disk, clock } = this;
    const fatal = (error: unknown): void => void this.fatal.push(error);
    return (await openMemoryLog({ tables, disk, clock, rows, fatal })).openLedger;
  }

  types = async (shard?: string): Promise<string[]> =>
    (await readShard(this.disk, shard)).entries.map(({ type }) => type);
}

describe('the ledger', () => {
  it('opens with a first shard and says that the program has started', async () => {
    const machine = new Machine();
    const { integrator } = await machine.start();
    await integrator.checkpoint();
    const { entries } = await readShard(machine.disk);
    expect(entries).toMatchObject([
      { type: 'shard.opened', year: 2026, predecessor: null, reason: 'first', lost: 0, at: START_MS },
      { type: 'software.started', program: 'coordinator' },
    ]);
  });

  it('has every stored event once, in the order in which they were stored, and gives each its own salt', async () => {
    const machine = new Machine();
    const { ledger, integrator } = await machine.start();
    for (let i = 0; i < 300; i++) await ledger.record(i % 2 ? refused : denied);
    await integrator.checkpoint();
    const { entries, checkpoint } = await readShard(machine.disk);
    expect(checkpoint.size).toBe(302);
    expect(entries.slice(2).map(({ type }) => type)).toEqual(
      Array.from({ length: 300 }, (_, i) => (i % 2 ? refused : denied).type),
    );
    expect(new Set(entries.map(({ salt }) => salt)).size).toBe(302);
  });

  it('hashes by itself a little later what nobody waits for', async () => {
    const machine = new Machine();
    const { ledger } = await machine.start();
    await ledger.record(denied);
    expect(await machine.disk.shard('2026')('checkpoint')).toBeUndefined();
    machine.clock.advance(250);
    await settled();
    expect(await machine.types()).toContain('user.denied');
  });

  it('makes one pass for all who ask at once, and another for what was stored meanwhile', async () => {
    const machine = new Machine();
    const { ledger, integrator } = await machine.start();
    await Promise.all(Array.from({ length: 50 }, () => integrator.checkpoint()));
    expect(machine.disk.published).toHaveLength(1);
    await ledger.record(denied);
    await integrator.checkpoint();
    expect(machine.disk.published).toHaveLength(2);
  });

  it('does not mind a clock that jumps, back or ahead', async () => {
    const machine = new Machine();
    const { ledger, integrator } = await machine.start();
    for (const jump of [3_600_000, -7_200_000, 0]) {
      machine.clock.time += jump;
      await ledger.record(denied);
      await integrator.checkpoint();
    }
    const told = (await readShard(machine.disk)).entries.map(({ at }) => at - START_MS);
    expect(told).toEqual([0, 0, 3_600_000, -3_600_000, -3_600_000]);
  });

  it('names no site that nobody enrolled, however lawful its name looks', async () => {
    const { ledger } = await new Machine().start();
    ledger.restrictTo(() => new Set(['alpha']));
    const joined = (site: string): CoordinatorEvent =>
      ({ type: 'site.joined', run: 'run-0000000001', round: 1, attempt: 1, site }) as CoordinatorEvent;
    expect(ledger.seal([joined('alpha')])).toHaveLength(1);
    expect(() => ledger.seal([joined('mrn-4711')])).toThrow(
      expect.objectContaining({ code: 'LEDGER_ID_NOT_ENROLLED' }),
    );
    const admitted = { type: 'site.admitted', site: 'beta', signing: 'a'.repeat(64) } as CoordinatorEvent;
    expect(ledger.seal([admitted])).toHaveLength(1);
  });

  it('keeps documents by their digest', async () => {
    const { ledger } = await new Machine().start();
    const digest = await ledger.document(new Uint8Array([1, 2]));
    expect([...(await ledger.readDocument(digest))]).toEqual([1, 2]);
    await expect(ledger.readDocument('f'.repeat(64) as typeof digest)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a year that ends', () => {
  const nextYear = Date.UTC(2027, 0, 1);

  it('closes its shard: the next one opens with its final checkpoint, and everything stored stands in one of them', async () => {
    const machine = new Machine();
    const { ledger, integrator, shards } = await machine.start();
    await ledger.record(denied);
    machine.clock.time = nextYear;
    await ledger.record(refused);
    await integrator.checkpoint();
    await ledger.record(refused);
    await integrator.checkpoint();
    const [old, young] = [await readShard(machine.disk), await readShard(machine.disk, '2027')];
    expect(old.entries.map(({ type }) => type)).toEqual([
      'shard.opened',
      'software.started',
      'user.denied',
      'token.refused',
    ]);
    const { size, root } = old.checkpoint;
    expect(young.entries).toMatchObject([
      { type: 'shard.opened', year: 2027, reason: 'year', predecessor: { size, root: toHex(root) } },
      { type: 'token.refused' },
    ]);
    expect(shards.all).toEqual([2026001, 2027001]);
  });

  it('stays ended: a clock that goes back, also over a restart, opens nothing', async () => {
    const machine = new Machine();
    machine.clock.time = nextYear;
    await (await machine.start()).integrator.checkpoint();
    machine.clock.time = START_MS;
    const { ledger, integrator, shards } = await machine.start();
    await ledger.record(denied);
    await integrator.checkpoint();
    expect(shards.all).toEqual([2027001]);
    expect(await machine.types('2027')).toEqual([
      'shard.opened',
      'software.started',
      'software.started',
      'user.denied',
    ]);
  });
});

/** Rows whose program is killed at its nth call: before it takes effect, or after and before anybody hears of it. */
class DyingRows extends MemoryLedgerRows {
  calls = 0;
  constructor(
    tables: MemoryTables,
    private readonly diesAt: number,
    private readonly side: 'before' | 'after',
  ) {
    super(tables.ledger);
  }

  override append = (rows: readonly LedgerRow[]) => this.#die(() => super.append(rows));
  override open = (shard: number, first: LedgerRow) => this.#die(() => super.open(shard, first));
  override number = () => this.#die(() => super.number());
  override read = (shard: number, from: number, to: number) => this.#die(() => super.read(shard, from, to));

  async #die<T>(work: () => Promise<T>): Promise<T> {
    const dies = ++this.calls >= this.diesAt;
    if (dies && (this.side === 'before' || this.calls > this.diesAt)) throw new Error('killed');
    const result = await work();
    if (dies) throw new Error('killed');
    return result;
  }
}

/** The work of a program up to its death: three events under three checkpoints, over a new year. */
async function work(machine: Machine, rows?: LedgerRows): Promise<void> {
  const { ledger, integrator } = await machine.start(rows);
  await ledger.record(denied);
  await integrator.checkpoint();
  for (let i = 0; i < 3; i++) await ledger.record(refused);
  await integrator.checkpoint();
  machine.clock.time = Date.UTC(2027, 5, 1);
  await ledger.record(denied);
  await integrator.checkpoint();
}

/** Whoever starts next finds a ledger that contradicts nothing that was published, and loses nothing that was stored. */
async function requireSound(machine: Machine): Promise<void> {
  const stored = machine.tables.ledger.rows.map(({ entry }) => entry);
  machine.disk.beforeWrite = () => {};
  const { ledger, integrator, shards } = await machine.start();
  await ledger.record(denied);
  await integrator.checkpoint();
  const names = shards.all.map((shard) => String(Math.floor(shard / 1000)));
  const logs = await Promise.all(names.map(async (name) => [name, await readShard(machine.disk, name)] as const));
  const told = logs.flatMap(([, { bytes }]) => bytes.map((entry) => Buffer.from(entry).toString('utf8')));
  expect(new Set(told).size).toBe(told.length);
  for (const entry of stored) expect(told).toContain(entry);
  for (const note of machine.disk.published) {
    const { origin, size, root } = parseCheckpointNote(note).checkpoint;
    const [, log] = logs.find(([name]) => origin.endsWith(name))!;
    expect(toHex(log.tree.root(size))).toBe(toHex(root));
  }
}

describe('a program that is killed', async () => {
  const undisturbed = new Machine();
  let writes = 0;
  undisturbed.disk.beforeWrite = () => void writes++;
  const counted = new DyingRows(undisturbed.tables, Infinity, 'before');
  await work(undisturbed, counted);

  it('has something to be killed at (the yardstick)', async () => {
    expect(writes).toBeGreaterThan(8);
    expect(counted.calls).toBeGreaterThan(12);
    await requireSound(undisturbed);
  });

  it.each(Array.from({ length: writes }, (_, i) => i + 1))('at file %i leaves a sound ledger', async (diesAt) => {
    const machine = new Machine();
    let at = 0;
    machine.disk.beforeWrite = () => {
      if (++at >= diesAt) throw new Error('killed');
    };
    await expect(work(machine)).rejects.toThrow();
    await requireSound(machine);
  });

  it.each(
    Array.from({ length: counted.calls }, (_, i) => i + 1).flatMap((at) => [
      { at, side: 'before' as const },
      { at, side: 'after' as const },
    ]),
  )('$side query $at leaves a sound ledger', async ({ at, side }) => {
    const machine = new Machine();
    await expect(work(machine, new DyingRows(machine.tables, at, side))).rejects.toThrow('killed');
    await requireSound(machine);
  });

  it('and whose tiles are lost makes the same ones again from the rows', async () => {
    const machine = new Machine();
    await work(machine);
    const before = await readShard(machine.disk);
    machine.disk = new LedgerDisk();
    const { integrator, shards } = await machine.start();
    await integrator.checkpoint();
    expect(await machine.types('2027')).toEqual(['shard.opened', 'software.started']);
    expect((await shards.log(2026001)).size).toBe(0);
    expect(before.checkpoint.size).toBeGreaterThan(0);
  });
});

describe('a disk that cannot be written', () => {
  const full = (): never => {
    throw new Fault('DISK_FULL');
  };
  const broken = (): never => {
    throw new Fault('LEDGER_UNWRITABLE');
  };

  it('because it is full lets nothing more be recorded, and heals', async () => {
    const machine = new Machine();
    const { ledger, integrator } = await machine.start();
    machine.disk.beforeWrite = full;
    await expect(integrator.checkpoint()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(ledger.trouble).toMatchObject({ code: 'DISK_FULL' });
    await expect(ledger.record(denied)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(() => ledger.seal([denied])).toThrow(expect.objectContaining({ code: 'DISK_FULL' }));
    machine.clock.advance(1000);
    await settled();
    expect(ledger.trouble).toBeDefined();
    machine.disk.beforeWrite = () => {};
    machine.clock.advance(2000);
    await settled();
    expect(ledger.trouble).toBeUndefined();
    await ledger.record(denied);
    await integrator.checkpoint();
    expect(await machine.types()).toEqual(['shard.opened', 'software.started', 'user.denied']);
    expect(machine.fatal).toEqual([]);
  });

  it('because it is broken ends the program, and what was published before stands', async () => {
    const machine = new Machine();
    const { ledger, integrator } = await machine.start();
    await integrator.checkpoint();
    await ledger.record(denied);
    machine.disk.beforeWrite = broken;
    await expect(integrator.checkpoint()).rejects.toMatchObject({ code: 'LEDGER_UNWRITABLE' });
    expect(machine.fatal).toMatchObject([{ code: 'LEDGER_UNWRITABLE' }]);
    machine.disk.beforeWrite = () => {};
    machine.clock.advance(100_000);
    await settled();
    await expect(ledger.record(denied)).rejects.toMatchObject({ code: 'LEDGER_UNWRITABLE' });
    expect(await machine.types()).toEqual(['shard.opened', 'software.started']);
    await requireSound(machine);
  });

  it('is told from a database that is away, which stops only what needs it', async () => {
    const machine = new Machine();
    const rows = new DyingRows(machine.tables, 3, 'before');
    const { ledger, integrator } = await machine.start(rows);
    await expect(integrator.checkpoint()).rejects.toThrow('killed');
    expect([ledger.trouble, machine.fatal]).toEqual([undefined, []]);
  });
});

describe('a start', () => {
  it('refuses a database that has fewer entries than were published', async () => {
    const machine = new Machine();
    await (await machine.start()).integrator.checkpoint();
    machine.tables.ledger.rows.pop();
    await expect(machine.start()).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
    machine.tables.ledger.rows.splice(0);
    await expect(machine.start()).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
  });

  it('publishes nothing from a database that does not know of a shard that was', async () => {
    const machine = new Machine();
    await work(machine);
    const { rows } = machine.tables.ledger;
    rows.splice(rows.findIndex(({ place }) => place?.shard === 2027001));
    const { integrator } = await machine.start();
    await expect(integrator.checkpoint()).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
    expect(machine.fatal).toMatchObject([{ code: 'LEDGER_ROLLED_BACK' }]);
  });

  it('refuses rows that say something else than the tiles', async () => {
    const machine = new Machine();
    await work(machine);
    const last = machine.tables.ledger.rows.at(-1)!;
    machine.tables.ledger.rows[machine.tables.ledger.rows.length - 1] = {
      ...last,
      entry: last.entry.replace('1', '2'),
    };
    await expect(machine.start()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('refuses tiles of which a bit has flipped', async () => {
    const machine = new Machine();
    await work(machine);
    for (const [path, bytes] of machine.disk.shardFiles('2027').files) {
      bytes[bytes.byteLength >> 1]! ^= 1;
      await expect(machine.start(), path).rejects.toMatchObject({ code: expect.stringMatching(/^LEDGER_/) as string });
      bytes[bytes.byteLength >> 1]! ^= 1;
    }
    await machine.start();
  });

  it('does nothing while evidence of two histories lies in the state', async () => {
    const machine = new Machine();
    machine.disk.equivocation = '{}';
    const { ledger, integrator } = await machine.start();
    expect(ledger.trouble).toMatchObject({ code: 'LEDGER_FORKED' });
    await expect(integrator.checkpoint()).rejects.toMatchObject({ code: 'LEDGER_FORKED' });
    expect(machine.disk.published).toEqual([]);
  });
});
