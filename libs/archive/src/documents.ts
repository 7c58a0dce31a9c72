import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DIGEST_PATTERN, Fault, type Digest } from '@consilium/stdx';
import { writeDurably } from './durable.js';
import { isErrno } from './errno.js';
import { plainBytes } from './plain-bytes.js';

/**
 * Documents under the SHA-256 of their bytes: `<digest>.json`. Log entries name them by it, so whoever trusts the entry
 * can trust the document.
 */
export class Documents {
  /** Being written now: the same document from two callers at once is one write. */
  readonly #writing = new Map<Digest, Promise<void>>();

  constructor(private readonly folder: string) {}

  /** On disk when it resolves; the same document again costs no write. Throws DISK_FULL or LEDGER_UNWRITABLE. */
  async put(bytes: Uint8Array): Promise<Digest> {
    const digest = sha256(bytes);
    const written = this.#writing.get(digest) ?? this.#write(digest, bytes).finally(() => this.#writing.delete(digest));
    this.#writing.set(digest, written);
    await written;
    return digest;
  }

  /** The bytes, hashed again. NOT_FOUND where there are none, LEDGER_CORRUPT where they are not what they were. */
  async get(digest: Digest): Promise<Uint8Array> {
    const bytes = await this.#read(digest);
    if (!bytes) throw new Fault('NOT_FOUND', { document: digest });
    if (sha256(bytes) !== digest) throw new Fault('LEDGER_CORRUPT', { document: digest });
    return bytes;
  }

  /** Whether the document is here and whole; a damaged one counts as absent, so that `put` can bring it back. */
  async has(digest: Digest): Promise<boolean> {
    const bytes = await this.#read(digest);
    return bytes !== undefined && sha256(bytes) === digest;
  }

  /** The digests that there are files for, in order. */
  async list(): Promise<readonly Digest[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return [];
      throw unreadable(error);
    });
    const digests = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    return digests.filter((name): name is Digest => DIGEST_PATTERN.test(name)).sort();
  }

  async #write(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (!(await this.has(digest))) await writeDurably(new Map([[this.#path(digest), bytes]]));
  }

  async #read(digest: Digest): Promise<Uint8Array | undefined> {
    if (!DIGEST_PATTERN.test(digest)) return undefined; // never a path that somebody made up
    const read = readFile(this.#path(digest)).then(plainBytes);
    return read.catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw unreadable(error);
    });
  }

  #path(digest: Digest): string {
    return join(this.folder, `${digest}.json`);
  }
}

const sha256 = (bytes: Uint8Array): Digest => createHash('sha256').update(bytes).digest('hex') as Digest;
const unreadable = (error: unknown): Fault => new Fault('LEDGER_CORRUPT', { what: 'a document cannot be read' }, error);
