import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, SERVER_URL } from '../../fixtures/postgres.fixture.js';
import { openDatabase, type Database } from './database.js';
import { DurableNodeFS } from './durable-fs.js';
import { compare, MIGRATIONS_FOLDER, readMigrations, type Migration } from './migrate.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-database-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('migrations', () => {
  const migration = (name: string): Migration => ({ name, sql: `-- ${name}`, checksum: `sum of ${name}` });
  const applied = (name: string, change = {}) => ({ name, checksum: `sum of ${name}`, finished: true, ...change });
  const [first, second] = [migration('1_first'), migration('2_second')];

  it('that a database lacks are applied in order', () => {
    expect(compare([first, second], [])).toEqual([first, second]);
    expect(compare([first, second], [applied('1_first')])).toEqual([second]);
    expect(compare([first], [applied('1_first')])).toEqual([]);
  });

  it.each([
    ['that this release does not know', applied('3_tomorrow')],
    ['that were changed afterwards', applied('1_first', { checksum: 'another' })],
    ['that failed', applied('1_first', { finished: false })],
  ])('%s are refused', (_, row) => {
    expect(() => compare([first], [row])).toThrow(
      expect.objectContaining({ code: 'MIGRATION_REFUSED', facts: expect.objectContaining({ migration: row.name }) }),
    );
  });

  it('are read by name, with the SHA-256 of their files', async () => {
    const at = join(folder, 'migrations');
    for (const name of ['2_b', '1_a']) {
      await mkdir(join(at, name), { recursive: true });
      await writeFile(join(at, name, 'migration.sql'), '');
    }
    await writeFile(join(at, 'migration_lock.toml'), '');
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(await readMigrations(at)).toEqual([
      { name: '1_a', sql: '', checksum: empty },
      { name: '2_b', sql: '', checksum: empty },
    ]);
  });

  describe('of this repository', () => {
    const schema = fileURLToPath(new URL('../schema.prisma', `file://${MIGRATIONS_FOLDER}/`));
    /** What is missing from the migrations for the schema as it is, and for one that went on. */
    let missing: readonly string[];

    beforeAll(async () => {
      const changed = join(folder, 'schema.prisma');
      const text = await readFile(schema, 'utf8');
      await writeFile(changed, text.replace('purpose   String', 'purpose   String\n  contact   String?'));
      const engine = new URL('../../tools/prisma/engine.mjs', `file://${MIGRATIONS_FOLDER}/`);
      const script = `import { missingSql } from ${JSON.stringify(engine)};
        const told = [];
        for (const schemaFile of ${JSON.stringify([schema, changed])}) {
          told.push(await missingSql({ schemaFile, migrationsFolder: ${JSON.stringify(MIGRATIONS_FOLDER)} }));
        }
        process.stdout.write(JSON.stringify(told));`;
      // In a process of its own: two databases in memory are given back when it ends.
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
      expect([child.status, child.stderr]).toEqual([0, '']);
      missing = JSON.parse(child.stdout) as string[];
    }, 300_000);

    it('lead to exactly the schema', () => expect(missing[0]).toBe(''));
    it('are told apart from a schema that went on (positive control)', () =>
      expect(missing[1]).toContain('ADD COLUMN     "contact" TEXT'));
  });
});

describe('the embedded database', () => {
  let database: Database;
  const at = (): string => join(folder, 'embedded');
  beforeAll(async () => {
    database = await openDatabase({ folder: at() });
  });
  afterAll(() => database.close());
  const seen = (name: string) => ({ data: { name, software: 'x', lastSeenAt: new Date(0) } });

  it('is made whole and migrated', async () => {
    expect(database.kind).toBe('embedded');
    const [row] = await database.prisma.$queryRaw<
      { count: bigint }[]
    >`SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL`;
    expect(Number(row?.count)).toBe((await readMigrations(MIGRATIONS_FOLDER)).length);
    expect((await readdir(folder)).filter((name) => name.includes('draft'))).toEqual([]);
  });

  it('syncs every commit to the disk', async () => {
    const before = DurableNodeFS.syncs;
    for (let i = 0; i < 10; i++) await database.prisma.site.create(seen(`synced-${i}`));
    expect(DurableNodeFS.syncs - before).toBeGreaterThanOrEqual(10);
  });

  it('undoes a transaction that fails, tells which rule it broke, and works on', async () => {
    const { prisma } = database;
    const twice = prisma.$transaction([prisma.site.create(seen('twice')), prisma.site.create(seen('twice'))]);
    await expect(twice).rejects.toMatchObject({ code: 'P2002' });
    expect(await prisma.site.findUnique({ where: { name: 'twice' } })).toBeNull();
    await expect(prisma.$queryRaw`SELECT no_such_column FROM site`).rejects.toThrow();
    await prisma.site.create(seen('twice'));
  });

  it('serves many at once over its one session', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `many-${i}`);
    await Promise.all(names.map((name) => database.prisma.site.create(seen(name))));
    expect(await database.prisma.site.count({ where: { name: { startsWith: 'many-' } } })).toBe(50);
  });

  it('carries large values and times as they are', async () => {
    const software = 'ß'.repeat(2_000_000);
    const lastSeenAt = new Date('2026-01-02T03:04:05.678Z');
    await database.prisma.site.create({ data: { name: 'large', software, lastSeenAt } });
    expect(await database.prisma.site.findUnique({ where: { name: 'large' } })).toEqual({
      name: 'large',
      software,
      lastSeenAt,
    });
  });

  it('is copied from a prepared one with nothing to migrate, and holds what was committed when it is opened again', async () => {
    await database.prisma.site.create(seen('kept'));
    await database.close();
    const copy = join(folder, 'copy');
    database = await openDatabase({ folder: copy, prepared: at() });
    expect(database.migrated).toEqual([]);
    expect(await database.prisma.site.findUnique({ where: { name: 'kept' } })).not.toBeNull();
    await database.prisma.site.create(seen('only here'));
    await database.close();
    database = await openDatabase({ folder: copy, prepared: at() });
    expect(await database.prisma.site.findUnique({ where: { name: 'only here' } })).not.toBeNull();
  });
});

describe('a PostgreSQL that is not there', () => {
  it('is DATABASE_UNAVAILABLE, and neither its address nor a password is told', async () => {
    // A port that was free a moment ago.
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const opening = openDatabase({ url: `postgresql://someone:pa55word@127.0.0.1:${port}/none` });
    const error: unknown = await opening.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', facts: {} });
    expect((error as Error).message).not.toMatch(/pa55word|someone|127\.0/);
  });
});

describe.skipIf(!SERVER_URL)('PostgreSQL (skipped without CONSILIUM_TEST_DATABASE_URL)', () => {
  it('is migrated once, and serves one coordinator: a second one is STATE_LOCKED until the first has ended', async () => {
    const { url, drop } = await createDatabase();
    const first = await openDatabase({ url });
    expect(first.migrated).toEqual((await readMigrations(MIGRATIONS_FOLDER)).map(({ name }) => name));
    await expect(openDatabase({ url })).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await first.close();
    const second = await openDatabase({ url });
    expect(second.migrated).toEqual([]);
    await second.close();
    await drop();
  });

  it('stores times in UTC whatever the server’s zone', async () => {
    const { url, drop } = await createDatabase();
    const database = await openDatabase({ url });
    await database.prisma.$executeRawUnsafe(
      `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET timezone TO 'Asia/Tokyo'`,
    );
    await database.close();
    const again = await openDatabase({ url });
    const lastSeenAt = new Date('2026-01-02T03:04:05.678Z');
    await again.prisma.site.create({ data: { name: 'zone', software: '', lastSeenAt } });
    const [row] = await again.prisma.$queryRaw<
      { text: string }[]
    >`SELECT (last_seen_at AT TIME ZONE 'UTC')::text AS text FROM site`;
    expect(row?.text).toBe('2026-01-02 03:04:05.678');
    await again.close();
    await drop();
  });
});
