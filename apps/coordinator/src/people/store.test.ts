import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openDatabase, type Database } from '../adapters/prisma/database.js';
import { createDatabase, SERVER_URL } from '../fixtures/postgres.fixture.js';
import { MemoryPeopleStore } from './memory-store.js';
import { PrismaPeopleStore } from './prisma-store.js';
import { peopleStoreContract } from './store-contract.fixture.js';

describe('accounts in memory', () => {
  peopleStoreContract(async () => new MemoryPeopleStore());
});

const emptied = async ({ prisma }: Database): Promise<PrismaPeopleStore> => {
  await prisma.$executeRawUnsafe('TRUNCATE person CASCADE');
  return new PrismaPeopleStore(prisma);
};

describe('accounts in the embedded database', () => {
  let folder: string;
  let database: Database;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'consilium-people-'));
    database = await openDatabase({ folder: join(folder, 'db') });
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  peopleStoreContract(() => emptied(database));
});

describe.skipIf(!SERVER_URL)('accounts in PostgreSQL (skipped without CONSILIUM_TEST_DATABASE_URL)', () => {
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
  peopleStoreContract(() => emptied(database));
});
