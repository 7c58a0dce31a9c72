import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFiles } from '@consilium/archive';
import { isErrno } from '@consilium/machine';
import { canonicalJson, Fault, utf8, type Digest } from '@consilium/stdx';
import { ownState } from './fatal.js';
import { sha256Of } from './sha256.js';
import type { Contribution } from './statement.js';

/**
 * Updates that are signed, or about to be, until their round is over: `SHA256.safetensors`, and `SHA256.json` with what
 * was measured. They are on disk before anything is signed, so that an update can be sent again after a crash, and the
 * same round never trained to a second value. What the log does not name is not needed, and is swept away at start.
 */
export class Outbox {
  constructor(private readonly folder: string) {}

  /** Durable when it resolves. DISK_FULL, which passes; LEDGER_UNWRITABLE for any other failure. */
  async keep({ bytes, sha256, examples, loss, metrics }: Contribution): Promise<void> {
    const files = diskFiles(this.folder);
    await ownState(files.write(`${sha256}.json`, utf8(canonicalJson({ examples, loss, metrics }))));
    await ownState(files.write(`${sha256}.safetensors`, bytes));
  }

  /** What was kept under this digest. STATE_UNREADABLE when it is gone or damaged: it is never replaced by another. */
  async recall(sha256: Digest): Promise<Contribution> {
    try {
      const [bytes, measured] = await Promise.all([
        readFile(join(this.folder, `${sha256}.safetensors`)),
        readFile(join(this.folder, `${sha256}.json`), 'utf8'),
      ]);
      if (sha256Of(bytes) !== sha256) throw new Fault('UPDATE_DIGEST_MISMATCH');
      const { examples, loss, metrics } = JSON.parse(measured) as Pick<Contribution, 'examples' | 'loss' | 'metrics'>;
      return { bytes, sha256, examples, loss, metrics };
    } catch (error) {
      throw new Fault('STATE_UNREADABLE', { what: 'a signed update in the outbox' }, error);
    }
  }

  /** Forgets updates whose round is over. */
  async release(digests: Iterable<Digest>): Promise<void> {
    for (const digest of digests) {
      await rm(join(this.folder, `${digest}.safetensors`), { force: true });
      await rm(join(this.folder, `${digest}.json`), { force: true });
    }
  }

  /** Removes everything but these updates; for the start, before anything new is kept. */
  async sweep(needed: ReadonlySet<Digest>): Promise<void> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    });
    const stale = names.filter((name) => !needed.has(name.split('.')[0] as Digest));
    await Promise.all(stale.map((name) => rm(join(this.folder, name), { force: true })));
  }
}
