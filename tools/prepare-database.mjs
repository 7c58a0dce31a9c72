// Makes the data directory that a coordinator's embedded database starts from: initialised, migrated, at rest. PGlite's
// own initialisation takes seconds and peaks near 900 MB of memory; a copy of this takes neither. Part of the build,
// after the coordinator is compiled; does nothing when the result is up to date.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const dist = new URL('../apps/coordinator/dist/', import.meta.url);
const { openDatabase } = await import(new URL('adapters/prisma/database.js', dist));
const { MIGRATIONS_FOLDER, readMigrations } = await import(new URL('adapters/prisma/migrate.js', dist));

const folder = fileURLToPath(new URL('database', dist));
const draft = `${folder}.draft`;
const stamp = `${folder}.stamp`;

// Pinned exactly, so what package.json says is what is installed.
const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', dist), 'utf8'));
const wanted = createHash('sha256')
  .update(JSON.stringify([dependencies['@electric-sql/pglite'], await readMigrations(MIGRATIONS_FOLDER)]))
  .digest('hex');

if (!existsSync(folder) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  for (const old of [draft, stamp, folder]) rmSync(old, { recursive: true, force: true });
  const database = await openDatabase({ folder: draft, prepared: draft });
  await database.close();
  // Under its name only when it is whole, and stamped only then: a build that is cut short is built again.
  renameSync(draft, folder);
  writeFileSync(stamp, wanted);
  console.log('prepared the embedded database');
}
