import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault, type Clock } from '@consilium/stdx';
import { readChain, seal, type Head } from './chain.js';
import type { Entry, JournalRecord } from './entry.js';
import type { Journal } from './journal.js';

/**
 * The journal on disk. Opening it replays and checks every line, cuts off the half line that a crash may have left
 * (and notes that as an entry), and refuses any other damage with JOURNAL_CORRUPT. Appends are serial: each is
 * written and flushed before the next begins, so at most one line is ever at risk.
 */
export class FileJournal implements Journal {
  #tail: Promise<unknown> = Promise.resolve();
  #broken: Fault | undefined;

  private constructor(
    private readonly file: FileHandle,
    private readonly clock: Pick<Clock, 'now'>,
    private head: Head,
    private bytes: number,
  ) {}

  /** Opens or creates the file (mode 600). `entries` is what it held, for the replay. */
  static async open(
    path: string,
    clock: Pick<Clock, 'now'>,
  ): Promise<{ journal: FileJournal; entries: readonly Entry[] }> {
    const file = await open(path, 'a+', 0o600);
    try {
      const { entries, head, bytes, tornBytes } = readChain(await file.readFile());
      const journal = new FileJournal(file, clock, head, bytes);
      if (bytes === 0) await flushDirectory(dirname(path));
      if (tornBytes === 0) return { journal, entries };
      await file.truncate(bytes);
      const repaired = await journal.append({ type: 'journal.repaired', tornBytes });
      return { journal, entries: [...entries, repaired] };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  append(record: JournalRecord): Promise<Entry> {
    const written = this.#tail.then(() => this.#write(record));
    this.#tail = written.catch(() => {}); // each caller learns of its own failure; the next one tries for itself
    return written;
  }

  async close(): Promise<void> {
    await this.#tail;
    this.#broken ??= new Fault('CANCELLED');
    await this.file.close();
  }

  async #write(record: JournalRecord): Promise<Entry> {
    if (this.#broken) throw this.#broken;
    const { line, entry, head } = seal(this.head, this.clock.now(), record);
    const bytes = Buffer.from(line);
    try {
      await this.file.appendFile(bytes);
      await this.file.sync();
    } catch (error) {
      throw await this.#undo(error);
    }
    this.head = head;
    this.bytes += bytes.byteLength;
    return entry;
  }

  /** A full disk may have taken half the line: it is cut off again, or the journal takes nothing more. */
  async #undo(error: unknown): Promise<Fault> {
    const full = isErrno(error, 'ENOSPC', 'EDQUOT');
    // After a failed flush the kernel may have dropped the pages and report success the next time: only a full disk heals.
    if (!full) return (this.#broken = new Fault('JOURNAL_UNWRITABLE', {}, error));
    try {
      await this.file.truncate(this.bytes);
      await this.file.sync();
    } catch (second) {
      this.#broken = new Fault('JOURNAL_UNWRITABLE', {}, second);
    }
    return new Fault('DISK_FULL', {}, error);
  }
}

/** Reads and checks a journal that an agent may be writing at this moment; a line being written counts as torn. */
export async function readJournal(path: string): Promise<ReturnType<typeof readChain>> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new Fault('NOT_FOUND', { what: 'journal' }, error);
  });
  try {
    return readChain(await file.readFile());
  } finally {
    await file.close();
  }
}

async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
