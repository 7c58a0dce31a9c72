import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault, invariant, type Digest } from '@consilium/stdx';
import type { ModelFiles } from '../../ports.js';
import { createIdempotent, sizeOf } from './files.js';

/** One file per model, `<sha256>.safetensors` unless it is named otherwise. */
export class DiskModelFiles implements ModelFiles {
  constructor(
    private readonly folder: string,
    private readonly suffix = '.safetensors',
  ) {}

  async put(bytes: Uint8Array): Promise<Digest> {
    const digest = createHash('sha256').update(bytes).digest('hex') as Digest;
    await createIdempotent(this.#path(digest), bytes);
    return digest;
  }

  async size(digest: Digest): Promise<number | undefined> {
    return sizeOf(this.#path(digest));
  }

  async read(digest: Digest): Promise<Uint8Array> {
    return readFile(this.#path(digest)).catch(notFound(digest));
  }

  async *stream(digest: Digest, offset: number, chunkBytes: number): AsyncGenerator<Uint8Array> {
    const file = await open(this.#path(digest), 'r').catch(notFound(digest));
    try {
      const { size } = await file.stat();
      for (let at = offset; at < size;) {
        // A fresh buffer for each chunk: the receiver may still hold the last one.
        const wanted = Math.min(chunkBytes, size - at);
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, at);
        invariant(bytesRead > 0, 'a model file never shrinks');
        yield buffer.subarray(0, bytesRead);
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  }

  #path(digest: Digest): string {
    return join(this.folder, digest + this.suffix);
  }
}

const notFound =
  (modelDigest: Digest) =>
  (error: unknown): never => {
    throw isErrno(error, 'ENOENT') ? new Fault('NOT_FOUND', { modelDigest }) : error;
  };
