import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLog, coordinatorOrigin } from '@consilium/ledger';
import { Fault, ManualClock } from '@consilium/stdx';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../adapters/prisma/database.js';
import { COORDINATOR_KEY } from '../fixtures/keys.fixture.js';
import { logKeyOf } from '../fixtures/ledger.fixture.js';
import { openLedgerInState, type LedgerInState } from './open-in-state.js';

describe('the ledger of a state folder', () => {
  let state: string;
  let database: Database;
  const fatal: unknown[] = [];
  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), 'consilium-ledger-'));
    database = await openDatabase({ folder: join(state, 'db') });
  });
  afterAll(async () => {
    await database.close();
    await rm(state, { recursive: true });
  });
  const open = (): Promise<LedgerInState> =>
    openLedgerInState(state, {
      federation: 'demo',
      signing: COORDINATOR_KEY,
      prisma: database.prisma,
      clock: new ManualClock(Date.UTC(2026, 5, 1)),
      log: pino({ level: 'silent' }),
      fatal: (error) => fatal.push(error),
    });
  const types = async (): Promise<string[]> => {
    const { published } = await open();
    const log = await readLog({
      read: published.shard('2026'),
      origin: coordinatorOrigin('demo', '2026'),
      logKey: logKeyOf('2026'),
      witnesses: [],
      kind: 'coordinator',
    });
    return log.entries.map(({ type }) => type);
  };

  it('lies where an auditor copies it from: tiles by shard, documents and kept updates by digest', async () => {
    const { ledger, openLedger, published, retained } = await open();
    await ledger.record({ type: 'user.denied', code: 'ACCESS_DENIED' });
    const document = await ledger.document(Buffer.from('{}'));
    const update = await retained.put(Buffer.from('update'));
    await openLedger.integrator.checkpoint();
    expect(await published.shards()).toEqual(['2026']);
    expect((await readdir(join(state, 'ledger', '2026'))).sort()).toEqual(['checkpoint', 'tile']);
    expect(await readdir(join(state, 'documents'))).toEqual([`${document}.json`]);
    expect(await readdir(join(state, 'retained'))).toEqual([update]);
    expect(await types()).toEqual(['shard.opened', 'software.started', 'user.denied']);
    await openLedger.close();
  });

  it('goes on after a restart, publishes what was stored last when it ends, and is opened by nobody who lacks its rows', async () => {
    const first = await open();
    await first.ledger.record({ type: 'token.refused', code: 'JOIN_TOKEN_INVALID' });
    await first.openLedger.close();
    expect((await types()).at(-1)).toBe('token.refused');
    await database.prisma.$executeRawUnsafe(`DELETE FROM ledger_row WHERE entry LIKE '%token.refused%'`);
    await database.prisma.$executeRawUnsafe(`DELETE FROM ledger_row WHERE shard IS NULL`);
    await expect(open()).rejects.toSatisfy((error) => Fault.is(error, 'LEDGER_ROLLED_BACK'));
    expect(fatal).toEqual([]);
  });
});
