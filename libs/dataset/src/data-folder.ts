import { constants } from 'node:fs';
import { open, readdir, realpath, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Fault } from '@consilium/stdx';

/**
 * A site's data folder. Only regular files below it are read: no way up, no symbolic link on the way, no pipe that
 * never answers, nothing larger than asked for. Faults carry neither paths nor names, since those may be patients'.
 */
export class DataFolder {
  #directories = new Map<string, string>();

  private constructor(private readonly root: string) {}

  /** The folder itself may be reached through links: the site chose it. Throws DATA_UNREADABLE. */
  static async open(path: string): Promise<DataFolder> {
    return new DataFolder(await unreadable('folder', () => realpath(path)));
  }

  /** The names in the folder itself, sorted by their code units. */
  async names(): Promise<readonly string[]> {
    return (await unreadable('folder', () => readdir(this.root))).sort();
  }

  /**
   * A file's bytes; `path` is relative, its parts separated by `/`. Throws DATA_PATH_REFUSED for a path that leaves the
   * folder or meets a link, DATA_UNREADABLE for what is missing or no file, DATA_TOO_LARGE beyond `bytesMax`.
   */
  async read(path: string, bytesMax: number): Promise<Uint8Array> {
    const parts = path.split('/');
    if (
      path.includes('\0') ||
      path.includes('\\') ||
      parts.some((part) => part === '' || part === '.' || part === '..')
    ) {
      throw new Fault('DATA_PATH_REFUSED', { expected: 'a relative path without . or ..' });
    }
    const directory = await this.#directory(parts.slice(0, -1).join(sep));
    // O_NOFOLLOW refuses a link in the last place, O_NONBLOCK keeps the opening of a pipe from waiting for its writer.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(join(directory, parts.at(-1)!), flags).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ELOOP' ? linked() : new Fault('DATA_UNREADABLE', { part: 'file', expected: 'readable' });
    });
    try {
      return await readWhole(file, bytesMax);
    } finally {
      await file.close();
    }
  }

  /** The directory below the root, checked once: its real path must be the path that was asked for. */
  async #directory(path: string): Promise<string> {
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const expected = join(this.root, path);
    if ((await unreadable('file', () => realpath(expected))) !== expected) throw linked();
    this.#directories.set(path, expected);
    return expected;
  }
}

async function readWhole(file: FileHandle, bytesMax: number): Promise<Uint8Array> {
  const status = await unreadable('file', () => file.stat());
  if (!status.isFile()) throw new Fault('DATA_UNREADABLE', { part: 'file', expected: 'a regular file' });
  if (status.size > bytesMax) throw new Fault('DATA_TOO_LARGE', { bytes: status.size, bytesMax });
  // Exactly the size that was checked, even when the file grows meanwhile.
  const bytes = Buffer.alloc(status.size);
  let filled = 0;
  while (filled < bytes.byteLength) {
    const { bytesRead } = await unreadable('file', () => file.read(bytes, filled, bytes.byteLength - filled, filled));
    if (bytesRead === 0) throw new Fault('DATA_UNREADABLE', { part: 'file', expected: 'a file that does not shrink' });
    filled += bytesRead;
  }
  return bytes;
}

/** Turns the system's error, which names the path, into our own without a cause. */
async function unreadable<T>(part: 'folder' | 'file', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch {
    throw new Fault('DATA_UNREADABLE', { part, expected: 'readable' });
  }
}

const linked = (): Fault => new Fault('DATA_PATH_REFUSED', { expected: 'no symbolic link' });
