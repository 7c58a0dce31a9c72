import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault } from '@consilium/stdx';

/** The text of a file, or undefined where there is none; larger than `bytesMax` is not ours and refused. */
export async function readTextFile(path: string, bytesMax = 1024 * 1024): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > bytesMax) throw new Fault('STATE_UNREADABLE', { bytesMax });
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
    throw error;
  }
}

/**
 * Writes a file whole or not at all: to a temporary name beside it, synced, then renamed. `mode` holds from the first
 * byte, so that a secret is never readable by others.
 */
export async function writeFileWhole(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw isErrno(error, 'ENOSPC', 'EDQUOT') ? new Fault('DISK_FULL', {}, error) : error;
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
