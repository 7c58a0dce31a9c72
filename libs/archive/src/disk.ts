import { open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isLogPath, type LogStorage, type ReadLogFile } from '@consilium/ledger';
import { Fault, invariant } from '@consilium/stdx';
import { writeDurably } from './durable.js';
import { isErrno, writeFault } from './errno.js';
import type { Files } from './files.js';
import { plainBytes } from './plain-bytes.js';
import { isShardName, sortShards } from './shard.js';

/** The files of one shard on disk. Only the paths of C2SP tlog-tiles can be read or written, whoever asks. */
export function diskLogStorage(folder: string): LogStorage {
  const writeAll = async (files: ReadonlyMap<string, Uint8Array>): Promise<void> => {
    for (const path of files.keys()) invariant(isLogPath(path), 'a log has the files of tlog-tiles');
    await writeDurably(new Map([...files].map(([path, bytes]) => [join(folder, path), bytes])));
  };
  return {
    read: async (path) => (isLogPath(path) ? readIfThere(join(folder, path)) : undefined),
    write: (path, bytes) => writeAll(new Map([[path, bytes]])),
    writeAll,
    // What stays behind is taken away the next time; it harms nobody.
    remove: (path) => rm(join(folder, path), { recursive: true, force: true }).catch(() => {}),
  };
}

/** A log's shards as somebody reads them who never writes, while another program may be writing. */
export function readOnlyLog(folder: string): {
  /** Their names, oldest first. */
  shards(): Promise<readonly string[]>;
  /** The files of one of them. */
  shard(name: string): ReadLogFile;
} {
  return {
    shards: async () => sortShards((await namesIn(folder)).filter(isShardName)),
    shard: (name) => {
      if (!isShardName(name)) return async () => undefined;
      return diskLogStorage(join(folder, name)).read;
    },
  };
}

/** The folder of a durable log: its shards, and beside them the rows that no checkpoint covers yet. */
export function diskFiles(folder: string): Files {
  return {
    read: (path) => readIfThere(join(folder, path)),
    write: (path, bytes) => writeDurably(new Map([[join(folder, path), bytes]])),
    list: () => namesIn(folder),
    within: (name) => diskLogStorage(join(folder, name)),
    append: (path, length, bytes) => append(join(folder, path), length, bytes),
    truncate: (path, length) => truncate(join(folder, path), length).catch(rethrow),
  };
}

async function append(path: string, length: number, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(path, 'r+');
    try {
      for (let written = 0; written < bytes.byteLength;) {
        const { bytesWritten } = await file.write(bytes, written, bytes.byteLength - written, length + written);
        written += bytesWritten;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    const fault = writeFault(error);
    // A full disk may have taken half of it, which must not be there when the next one is written.
    if (fault.code === 'DISK_FULL') await truncate(path, length).catch(unwritable);
    throw fault;
  }
}

async function truncate(path: string, length: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.truncate(length);
    await file.sync();
  } finally {
    await file.close();
  }
}

const rethrow = (error: unknown): never => {
  throw writeFault(error);
};
const unwritable = (error: unknown): never => {
  throw new Fault('LEDGER_UNWRITABLE', {}, error);
};

/** The file's bytes, undefined where there is none. */
async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return plainBytes(await readFile(path));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
    throw new Fault('LEDGER_CORRUPT', { what: 'a file cannot be read' }, error);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw new Fault('LEDGER_CORRUPT', { what: 'a folder cannot be read' }, error);
  }
}
