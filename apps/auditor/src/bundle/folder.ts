import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault } from '@consilium/stdx';
import { outputFault } from '../output.js';
import { LOGS, type Bundle } from './bundle.js';

/** A bundle in a folder. What is no plain file (a link could lead out of the bundle) is listed, and has no bytes. */
export class FolderBundle implements Bundle {
  private constructor(
    private readonly folder: string,
    readonly paths: readonly string[],
  ) {}

  /** Lists the folder. NOT_FOUND where there is none. */
  static async open(folder: string): Promise<FolderBundle> {
    return new FolderBundle(folder, (await filesIn(folder, '')).sort());
  }

  /** Whether a folder holds a bundle: somewhere below `logs` there is a checkpoint. */
  static async isOne(folder: string): Promise<boolean> {
    try {
      return (await filesIn(join(folder, LOGS), '')).some((path) => path.endsWith('/checkpoint'));
    } catch (error) {
      if (Fault.is(error, 'NOT_FOUND')) return false;
      throw error;
    }
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return readPlainFile(join(this.folder, path));
  }
}

async function filesIn(root: string, below: string): Promise<string[]> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch((error: unknown) => {
    throw isErrno(error, 'ENOENT', 'ENOTDIR')
      ? new Fault('NOT_FOUND', { what: 'the folder' }, error)
      : unreadable(error);
  });
  const paths: string[] = [];
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) paths.push(...(await filesIn(root, path)));
    else paths.push(path);
  }
  return paths;
}

/** A plain file's bytes; undefined where there is none of this name. */
export async function readPlainFile(path: string): Promise<Uint8Array | undefined> {
  try {
    return (await lstat(path)).isFile() ? await readFile(path) : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw unreadable(error);
  }
}

/** Writes a bundle as a new folder. ALREADY_EXISTS where there is something in it: a bundle is made once and kept. */
export async function writeBundle(bundle: Bundle, folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0) throw new Fault('ALREADY_EXISTS', { what: 'the folder for the bundle' });
    for (const path of bundle.paths) {
      const bytes = await bundle.read(path);
      if (!bytes) continue; // gone since it was listed; the audit will say what is missing
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes, { flag: 'wx' });
    }
  } catch (error) {
    throw outputFault(error);
  }
}

const unreadable = (error: unknown): Fault => new Fault('STATE_UNREADABLE', { what: 'a file of the evidence' }, error);
