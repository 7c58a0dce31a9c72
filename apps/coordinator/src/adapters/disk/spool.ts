import { createHash, type Hash } from 'node:crypto';
import { open, readdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault, invariant, RUN_ID_PATTERN, type Digest, type RunId } from '@consilium/stdx';
import type { Spool, SpoolSlot } from '../../ports.js';
import { diskFault, makeFolder, sizeOf, syncFolder } from './files.js';

/**
 * Uploads as files: `<run>/<round>-<attempt>/<site>.<sha256>.part` while bytes come, `.update` when all are there.
 * Whether an update counts is never read from here but from the database.
 */
export class DiskSpool implements Spool {
  constructor(private readonly folder: string) {}

  async received(slot: SpoolSlot): Promise<number> {
    return (await sizeOf(this.#path(slot, 'update'))) ?? (await sizeOf(this.#path(slot, 'part'))) ?? 0;
  }

  async receive(
    slot: SpoolSlot,
    offset: number,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<{ length: number; sha256: Digest }> {
    await makeFolder(dirname(this.#path(slot, 'part')));
    await this.#dropOthers(slot);
    const whole = (await sizeOf(this.#path(slot, 'update'))) !== undefined;
    const file = await open(this.#path(slot, whole ? 'update' : 'part'), offset ? 'r+' : 'w+', 0o600);
    try {
      const hash = createHash('sha256');
      await hashPrefix(file, offset, hash);
      if (offset) await file.truncate(offset);
      const length = await append(file, offset, chunks, hash);
      await file.datasync();
      return { length, sha256: hash.digest('hex') as Digest };
    } catch (error) {
      const fault = diskFault(error);
      if (Fault.is(fault, 'DISK_FULL')) await this.drop(slot);
      throw fault;
    } finally {
      await file.close();
    }
  }

  async keep(slot: SpoolSlot): Promise<void> {
    const whole = this.#path(slot, 'update');
    try {
      await rename(this.#path(slot, 'part'), whole);
    } catch (error) {
      if (!isErrno(error, 'ENOENT') || (await sizeOf(whole)) === undefined) throw diskFault(error);
    }
    await syncFolder(dirname(whole));
  }

  async read(slot: SpoolSlot): Promise<Uint8Array> {
    for (const kind of ['update', 'part'] as const) {
      try {
        return await readFile(this.#path(slot, kind));
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error;
      }
    }
    throw new Fault('NOT_FOUND', { site: slot.site, round: slot.round });
  }

  async drop(slot: SpoolSlot): Promise<void> {
    for (const kind of ['part', 'update'] as const) await rm(this.#path(slot, kind), { force: true });
  }

  async discard(run: RunId, except?: { readonly round: number; readonly attempt: number }): Promise<void> {
    const spared = except && `${except.round}-${except.attempt}`;
    for (const name of await listed(join(this.folder, run))) {
      if (name !== spared) await rm(join(this.folder, run, name), { recursive: true, force: true });
    }
    if (!spared) await rm(join(this.folder, run), { recursive: true, force: true });
  }

  async runs(): Promise<readonly RunId[]> {
    const names = await listed(this.folder);
    return names.filter((name) => RUN_ID_PATTERN.test(name)).sort() as RunId[];
  }

  /** A site that trained again sends other bytes: what it sent before for this attempt is of no use any more. */
  async #dropOthers(slot: SpoolSlot): Promise<void> {
    const folder = dirname(this.#path(slot, 'part'));
    for (const name of await listed(folder)) {
      const [site, sha256] = name.split('.');
      if (site === slot.site && sha256 !== slot.sha256) await rm(join(folder, name), { force: true });
    }
  }

  #path({ run, round, attempt, site, sha256 }: SpoolSlot, kind: 'part' | 'update'): string {
    return join(this.folder, run, `${round}-${attempt}`, `${site}.${sha256}.${kind}`);
  }
}

async function append(
  file: FileHandle,
  offset: number,
  chunks: AsyncIterable<Uint8Array>,
  hash: Hash,
): Promise<number> {
  let at = offset;
  for await (const chunk of chunks) {
    hash.update(chunk);
    for (let sent = 0; sent < chunk.byteLength;) {
      const { bytesWritten } = await file.write(chunk, sent, chunk.byteLength - sent, at);
      sent += bytesWritten;
      at += bytesWritten;
    }
  }
  return at;
}

const PREFIX_BYTES = 1 << 20;

/** The digest covers the bytes of earlier connections too, as they lie on disk now. */
async function hashPrefix(file: FileHandle, length: number, hash: Hash): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(length, PREFIX_BYTES));
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.byteLength, length - at), at);
    invariant(bytesRead > 0, 'an upload goes on where bytes end');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

async function listed(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
