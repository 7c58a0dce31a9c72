import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault } from '@consilium/stdx';

/**
 * The verbs by which anything durable is written. Each answers only when the bytes and the name are on disk: the file
 * is synced, then renamed, then its folder is synced (a rename alone may be lost with the power).
 */

/** The file with these bytes under its name, whole or not at all; whoever writes it last wins. */
export async function overwrite(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const draft = `${path}.${randomUUID()}.draft`;
  try {
    const file = await open(draft, 'wx', mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw diskFault(error);
  }
  await syncFolder(dirname(path));
}

/** For names that bind their content: does nothing when the file is there already with this length. */
export async function createIdempotent(path: string, bytes: Uint8Array): Promise<void> {
  if ((await sizeOf(path)) === bytes.byteLength) return;
  await overwrite(path, bytes);
}

/** The file's length in bytes, undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw diskFault(error);
  }
}

/** Makes the folder and those above it, and puts the new names on disk. */
export async function makeFolder(path: string): Promise<void> {
  const highest = await mkdir(path, { recursive: true, mode: 0o700 });
  if (highest === undefined) return;
  for (let made = path; made.length >= highest.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Puts the names in a folder on disk. Windows cannot open a folder; there the file system's own journal must do. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** DISK_FULL for a full disk or an exhausted quota; every other error as it is. */
export function diskFault(error: unknown): unknown {
  const full = isErrno(error, 'ENOSPC', 'EDQUOT');
  return full ? new Fault('DISK_FULL', {}, error) : error;
}
