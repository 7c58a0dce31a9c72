import { defineConfig } from 'prisma/config';

// Before any command, Prisma's CLI would download a native schema engine. We use its CLI for `generate` only, which
// never starts that engine: any existing file in its place skips the download. Migrations are compared and written by
// `tools/prisma/diff.mjs` (the engine's WebAssembly build) and applied by the coordinator when it starts.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
});
