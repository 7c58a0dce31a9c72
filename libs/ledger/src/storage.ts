/** Reads one file of a log by its path (C2SP tlog-tiles); undefined when there is none. */
export type ReadLogFile = (path: string) => Promise<Uint8Array | undefined>;

/**
 * Where a log's files lie. A write is durable when it resolves: the file is there under its name, whole, even after a
 * power cut. One that rejects with DISK_FULL has changed nothing and may be tried again; after any other rejection the
 * log is not written any more.
 */
export interface LogStorage {
  read: ReadLogFile;
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Several files, each as with `write`, in any order: cheaper where the names of a folder are flushed together. */
  writeAll?(files: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** Takes a folder of superseded partial tiles away, for example `tile/0/000.p`; need not be durable. */
  remove?(folder: string): Promise<void>;
}

/** A storage that forgets: for tests, and for whoever only wants the proofs. */
export class MemoryStorage implements LogStorage {
  readonly files = new Map<string, Uint8Array>();

  read = async (path: string): Promise<Uint8Array | undefined> => this.files.get(path)?.slice();

  async write(path: string, bytes: Uint8Array): Promise<void> {
    this.files.set(path, bytes.slice());
  }

  async remove(folder: string): Promise<void> {
    for (const path of this.files.keys()) if (path.startsWith(`${folder}/`)) this.files.delete(path);
  }
}
