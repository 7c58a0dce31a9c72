import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { createDatabase, SERVER_URL } from '../fixtures/postgres.fixture.js';
import { enrolmentContract, type EnrolmentWorld } from './enrolment-contract.fixture.js';
import { MemoryEnrolmentStore } from './memory/enrolments.js';
import { MemoryTables } from './memory/stores.js';
import { openDatabase, type Database } from './prisma/database.js';
import { PrismaEnrolmentStore } from './prisma/enrolments.js';

describe('enrolments in memory', () => {
  enrolmentContract(async () => {
    const tables = new MemoryTables();
    return {
      store: new MemoryEnrolmentStore(tables),
      told: async () => tables.ledger.rows.map(({ entry }) => entry),
    };
  });
});

const emptied = async ({ prisma }: Database): Promise<EnrolmentWorld> => {
  await prisma.$executeRawUnsafe(
    'TRUNCATE join_token, enrolment, site_certificate, roster, revocation, used_nonce, ledger_row',
  );
  const told = async () => (await prisma.ledgerRow.findMany({ orderBy: { seq: 'asc' } })).map(({ entry }) => entry);
  return { store: new PrismaEnrolmentStore(prisma), told };
};

describe('enrolments in the embedded database', () => {
  let folder: string;
  let database: Database;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'consilium-enrolments-'));
    database = await openDatabase({ folder: join(folder, 'db') });
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  enrolmentContract(() => emptied(database));
});

describe.skipIf(!SERVER_URL)('enrolments in PostgreSQL (skipped without CONSILIUM_TEST_DATABASE_URL)', () => {
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
  enrolmentContract(() => emptied(database));
});
