import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '@consilium/stdx';
import { writeFault } from './errno.js';

/**
 * Writes files so that each is there under its name, whole, when this resolves: the bytes are flushed, then renamed,
 * then the folders flushed, since a rename alone may be lost with the power. All of them are flushed side by side and a
 * folder once, which is what makes a batch cheap.
 * @throws DISK_FULL while nothing has its new name yet, LEDGER_UNWRITABLE for everything else
 */
export async function writeDurably(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const drafts = [...files].map(([path, bytes]) => ({ path, bytes, draft: `${path}.draft` }));
  const folders = [...new Set([...files.keys()].map((path) => dirname(path)))];
  try {
    for (const folder of folders) await makeFolder(folder);
    await inParallel(drafts, ({ draft, bytes }) => writeFlushed(draft, bytes));
  } catch (error) {
    await inParallel(drafts, ({ draft }) => rm(draft, { force: true }).catch(() => {})); // the first error is told
    throw writeFault(error);
  }
  try {
    for (const { draft, path } of drafts) await rename(draft, path);
    await inParallel(folders, flushFolder);
  } catch (error) {
    // Some files may have their new names and others not: this does not heal, whatever the reason.
    throw new Fault('LEDGER_UNWRITABLE', {}, error);
  }
}

async function writeFlushed(path: string, bytes: Uint8Array): Promise<void> {
  // A draft that a crash has left is written over: only one program writes a folder.
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the folder and those above it (mode 700), and puts the new names on disk. */
export async function makeFolder(path: string): Promise<void> {
  const highest = await mkdir(path, { recursive: true, mode: 0o700 });
  if (highest === undefined) return;
  for (let made = path; made.length >= highest.length; made = dirname(made)) await flushFolder(dirname(made));
}

/** Puts the names in a folder on disk. Windows cannot open a folder; there the file system's own journal must do. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** As many at once as Node has threads for files. */
const LANES = 4;

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const result of lanes) if (result.status === 'rejected') throw result.reason;
}
