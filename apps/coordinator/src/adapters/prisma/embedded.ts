import { randomUUID } from 'node:crypto';
import { access, cp, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import type { PGlite } from '@electric-sql/pglite';
import { syncFolder } from '../disk/files.js';

/** Made by `tools/prepare-database.mjs` when the program is built; beside this file's `dist`. */
export const PREPARED_FOLDER = fileURLToPath(new URL('../../../dist/database', import.meta.url));

/**
 * PGlite on `folder`. The first start copies a prepared, already migrated data directory: PGlite's own initialisation
 * takes seconds and peaks near 900 MB. Without a prepared one (a source tree that was never built) it initialises.
 * Whoever calls this holds the state's lock: PGlite itself would open a folder twice and corrupt it.
 */
export async function openEmbedded(folder: string, prepared = PREPARED_FOLDER): Promise<PGlite> {
  if (!(await exists(folder)) && (await exists(prepared))) await copyWhole(prepared, folder);
  keepFirstCompilation();
  const [{ PGlite }, { durableOptions }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('./durable-fs.js'),
  ]);
  return PGlite.create(durableOptions(folder));
}

/**
 * WebAssembly stays as the first compiler leaves it. PostgreSQL has functions so large that the optimising compiler of
 * V8 13 (Node 24) takes 500 MB for them, seconds after the start; rounds took no longer without it.
 */
function keepFirstCompilation(): void {
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
}

/** The folder appears under its name only when it is complete, so a kill in between leaves nothing to trip over. */
async function copyWhole(from: string, to: string): Promise<void> {
  const draft = `${to}.${randomUUID()}.draft`;
  try {
    await cp(from, draft, { recursive: true });
    await rename(draft, to);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  await syncFolder(dirname(to));
}

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch {
    // Missing or not readable: either way there is no folder to use.
    return false;
  }
};
