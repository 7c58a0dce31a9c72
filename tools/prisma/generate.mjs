// Makes Prisma's client from prisma/schema.prisma, where it is missing or older than the schema. Needs no network.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root), 'utf8');

const stamp = new URL('apps/coordinator/src/generated/.stamp', root);
// Prisma is pinned exactly, so package.json says which release is installed.
const prisma = JSON.parse(read('package.json')).devDependencies.prisma;
const wanted = createHash('sha256')
  .update(JSON.stringify([prisma, read('prisma/schema.prisma')]))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  const cli = fileURLToPath(new URL('node_modules/prisma/build/index.js', root));
  const { status } = spawnSync(process.execPath, [cli, 'generate'], {
    cwd: fileURLToPath(root),
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, wanted);
}
