// Prints the SQL by which prisma/schema.prisma goes beyond prisma/migrations. Exit code 0 when nothing is missing, 2
// when something is: write what it prints into a new folder prisma/migrations/<UTC time>_<name>/migration.sql.
import { fileURLToPath } from 'node:url';
import { missingSql } from './engine.mjs';

const fromRoot = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const sql = await missingSql({
  schemaFile: fromRoot('prisma/schema.prisma'),
  migrationsFolder: fromRoot('prisma/migrations'),
});
if (sql) process.stdout.write(sql);
process.exitCode = sql ? 2 : 0;
