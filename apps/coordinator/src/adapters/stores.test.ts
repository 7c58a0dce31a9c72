import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { createDatabase, SERVER_URL } from '../fixtures/postgres.fixture.js';
import { ledgerContract, type LedgerStores } from './ledger-contract.fixture.js';
import { MemoryLedgerRows, MemorySiteLogs } from './memory/ledger.js';
import { MemoryRegistry, MemoryRunStore, MemorySiteStore, MemoryStudyStore, MemoryTables } from './memory/stores.js';
import { openDatabase, type Database } from './prisma/database.js';
import { PrismaLedgerRows, PrismaSiteLogs } from './prisma/ledger.js';
import { PrismaRegistry, PrismaRunStore } from './prisma/runs.js';
import { PrismaSiteStore, PrismaStudyStore } from './prisma/studies.js';
import { storesContract, type Stores } from './stores-contract.fixture.js';

describe('the stores in memory', () => {
  storesContract(async () => {
    const tables = new MemoryTables();
    return {
      sites: new MemorySiteStore(tables),
      studies: new MemoryStudyStore(tables),
      runs: new MemoryRunStore(tables),
      registry: new MemoryRegistry(tables),
    };
  });
  ledgerContract(async () => {
    const tables = new MemoryTables();
    return {
      rows: new MemoryLedgerRows(tables.ledger),
      siteLogs: new MemorySiteLogs(tables.ledger),
      runs: new MemoryRunStore(tables),
      studies: new MemoryStudyStore(tables),
    };
  });
});

const emptied = async ({ prisma }: Database): Promise<Stores> => {
  await prisma.$executeRawUnsafe('TRUNCATE site, study CASCADE');
  return {
    sites: new PrismaSiteStore(prisma),
    studies: new PrismaStudyStore(prisma),
    runs: new PrismaRunStore(prisma),
    registry: new PrismaRegistry(prisma),
  };
};

const emptiedLedger = async (database: Database): Promise<LedgerStores> => {
  await database.prisma.$executeRawUnsafe('TRUNCATE ledger_row, site_log');
  const { prisma } = database;
  return { ...(await emptied(database)), rows: new PrismaLedgerRows(prisma), siteLogs: new PrismaSiteLogs(prisma) };
};

describe('the stores in the embedded database', () => {
  let folder: string;
  let database: Database;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'consilium-stores-'));
    database = await openDatabase({ folder: join(folder, 'db') });
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  storesContract(() => emptied(database));
  ledgerContract(() => emptiedLedger(database));
});

describe.skipIf(!SERVER_URL)('the stores in PostgreSQL (skipped without CONSILIUM_TEST_DATABASE_URL)', () => {
  let drop: () => Promise<void>;
  let database: Database;
  beforeAll(async () => {
    const created = await createDatabase();
    drop = created.drop;
    database = await openDatabase({ url: created.url });
  });
  afterAll(async () => {
    await database.close();
    await drop();
  });
  storesContract(() => emptied(database));
  ledgerContract(() => emptiedLedger(database));
});
