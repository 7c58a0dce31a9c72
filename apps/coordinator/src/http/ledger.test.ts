import { coordinatorOrigin, readLog, type CoordinatorEvent } from '@consilium/ledger';
import { Fault, ManualClock, type Digest } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi } from '../fixtures/api.fixture.js';
import { logKeyOf } from '../fixtures/ledger.fixture.js';
import { sha256Of } from '../fixtures/updates.fixture.js';
import { MemoryLedger } from '../ledger/memory-ledger.js';
import { Readings } from '../ledger/readings.js';
import type { PersonId } from '../people/person-id.js';

const year = String(new Date().getUTCFullYear());
const bytes = new Uint8Array([1, 2, 3]);

describe('the ledger over HTTP', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.open();
  });
  afterAll(() => api.hub.close());
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const response = await api.fetch(`/api/v1/ledger/${path}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  };
  const reads = async (): Promise<CoordinatorEvent[]> => {
    await api.hub.resources.openLedger.integrator.checkpoint();
    const log = await readLog({
      read: api.hub.resources.published.shard(year),
      origin: coordinatorOrigin('demo', year),
      logKey: logKeyOf(year),
      witnesses: [],
      kind: 'coordinator',
    });
    return log.entries.filter(({ type }) => type === 'audit.read');
  };

  it('can be copied whole while the coordinator goes on, by the paths of tlog-tiles, and verifies', async () => {
    const { integrator, ledger } = api.hub.resources.openLedger;
    for (let i = 0; i < 300; i++) await ledger.record({ type: 'user.denied', code: 'ACCESS_DENIED' });
    await integrator.checkpoint();
    expect((await api.ask('/api/v1/ledger')).json).toEqual({ shards: [year] });
    const log = await readLog({
      read: (path) => read(`${year}/${path}`),
      origin: coordinatorOrigin('demo', year),
      logKey: logKeyOf(year),
      witnesses: [],
      kind: 'coordinator',
    });
    expect(log.entries.length).toBeGreaterThan(300);
    expect(log.entries[0]).toMatchObject({ type: 'shard.opened' });
  });

  it('serves a checkpoint as text and a tile as bytes', async () => {
    const [checkpoint, tile] = [
      await api.fetch(`/api/v1/ledger/${year}/checkpoint`),
      await api.fetch(`/api/v1/ledger/${year}/tile/entries/000`),
    ];
    expect(checkpoint.headers.get('content-type')).toContain('text/plain');
    expect(await checkpoint.text()).toMatch(new RegExp(`^demo/coordinator/${year}\\n\\d+\\n`));
    expect(tile.headers.get('content-type')).toBe('application/octet-stream');
  });

  it('serves what entries name by digest: documents, models and kept updates', async () => {
    const { ledger, models, retained } = api.hub.resources;
    const document = await ledger.document(bytes);
    await models.put(bytes);
    await retained.put(bytes);
    for (const path of [`documents/${document}`, `models/${sha256Of(bytes)}`, `retained/${sha256Of(bytes)}`]) {
      expect([...(await read(path))!], path).toEqual([1, 2, 3]);
    }
  });

  it.each([
    `${year}/tile/0/999`,
    `${year}/tile/9/000`,
    `${year}/tile/..%2fcheckpoint`,
    `${year}/tile/%2e%2e/%2e%2e/api-token`,
    `${year}/tile/entries/000/../../checkpoint`,
    '1999/checkpoint',
    `documents/${'f'.repeat(64)}`,
    `models/${'f'.repeat(64)}`,
    `retained/${'f'.repeat(64)}`,
  ])('has no %s', async (path) => {
    expect((await api.ask(`/api/v1/ledger/${path}`)).status).toBe(404);
  });

  it.each(['latest/checkpoint', 'documents/abc', '../runs'])(
    'refuses %s or leads nowhere in the ledger',
    async (path) => {
      expect([400, 404, 200]).toContain((await api.ask(`/api/v1/ledger/${path}`)).status);
    },
  );

  it('says by the coordinator’s health why nothing goes on', async () => {
    expect((await api.ask('/health')).status).toBe(200);
    const halted = await TestApi.open();
    halted.hub.resources.openLedger.halt.now(new Fault('LEDGER_ROLLED_BACK'));
    const { status, text } = await halted.ask('/health', { token: null });
    expect([status, text]).toEqual([409, expect.stringContaining('LEDGER_ROLLED_BACK')]);
    await halted.hub.close();
  });

  it('tells nobody without a token', async () => {
    expect((await api.ask(`/api/v1/ledger/${year}/checkpoint`, { token: null })).status).toBe(401);
  });

  it('has an entry about each look at a checkpoint, and about each kind of file that was read', async () => {
    const before = (await reads()).length;
    await read(`${year}/checkpoint`);
    await read(`${year}/checkpoint`);
    const told = await reads();
    expect(told).toHaveLength(before + 2);
    expect(told.at(-1)).toMatchObject({ person: 'person-machine000', page: 'checkpoint' });
    expect(new Set(told.map((entry) => (entry as { page: string }).page))).toEqual(
      new Set(['checkpoint', 'tiles', 'documents', 'models']),
    );
  });
});

describe('readings', () => {
  const person = (i: number): PersonId => `person-${String(i).padStart(10, '0')}` as PersonId;

  it('of files are one within a minute, for each person and each kind; of a checkpoint each is one', async () => {
    const [ledger, clock] = [new MemoryLedger(), new ManualClock()];
    const readings = new Readings(ledger, clock);
    for (const page of ['tiles', 'tiles', 'models', 'checkpoint', 'checkpoint'] as const)
      await readings.read(person(1), page);
    await readings.read(person(2), 'tiles');
    expect(ledger.events).toHaveLength(5);
    clock.advance(60_000);
    await readings.read(person(1), 'tiles');
    expect(ledger.events).toHaveLength(6);
  });

  it('are told again rather than forgotten when very many read', async () => {
    const ledger = new MemoryLedger();
    const readings = new Readings(ledger, new ManualClock());
    for (let i = 0; i < 1001; i++) await readings.read(person(i), 'tiles');
    await readings.read(person(0), 'tiles');
    await readings.read(person(1000), 'tiles');
    expect(ledger.events).toHaveLength(1002);
  });

  it('that cannot be written down are not given', async () => {
    const ledger = new MemoryLedger();
    ledger.trouble = new Fault('DISK_FULL');
    const readings = new Readings(ledger, new ManualClock());
    await expect(readings.read(person(1), 'documents')).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(ledger.events).toEqual([]);
  });
});

it('sha256Of names the bytes of the tests (the fixture itself)', () => {
  expect(sha256Of(bytes)).toBe('039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81' as Digest);
});
