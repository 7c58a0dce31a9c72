import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SmallFederation } from './federation.fixture.js';

/** A folder that is gone after the test. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-audit-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function writeFiles(
  folder: string,
  files: Iterable<readonly [string, Uint8Array | string]>,
): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}

/**
 * The evidence as `consilium up` keeps it: one state directory for the coordinator and one for each site, with what must
 * never be fetched (keys, settings, a database, a dataset's exact counts) beside it.
 */
export async function writeState({ hub, logs, files }: SmallFederation, folder: string): Promise<void> {
  const coordinator = join(folder, 'coordinator', 'state');
  await writeFiles(join(coordinator, 'ledger', '2026'), hub.storage.files);
  await writeFiles(
    coordinator,
    [...files].map(([path, bytes]) => [path.replace(/^(retained\/.*)\.safetensors$/, '$1'), bytes] as const),
  );
  await writeFiles(coordinator, [
    ['signing.key', 'SECRET'],
    ['identity/private.key', 'SECRET'],
    ['database/base/1', 'SECRET'],
    ['settings.yaml', 'SECRET'],
  ]);
  for (const [site, log] of logs) {
    const state = join(folder, 'sites', site, 'state');
    await writeFiles(join(state, 'ledger', '2026'), log.storage.files);
    await writeFiles(state, [
      ['ledger/rows.jsonl', '{"from":0,"shard":"2026"}\n'],
      ['identity/signing.key', 'SECRET'],
      ['private.key', 'SECRET'],
    ]);
  }
}
