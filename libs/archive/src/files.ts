import { MemoryStorage, type LogStorage } from '@consilium/ledger';
import { concatBytes } from '@consilium/stdx';

/** The verbs on the files of one folder that a durable log needs; paths are relative, with slashes. */
export interface Files extends LogStorage {
  /**
   * Writes bytes at the end of a file that is `length` bytes long; durable when it resolves. After DISK_FULL the file is
   * as it was. A power cut may leave the beginning of the bytes.
   */
  append(path: string, length: number, bytes: Uint8Array): Promise<void>;
  /** Cuts a file off at `length` bytes; durable when it resolves. */
  truncate(path: string, length: number): Promise<void>;
  /** The names in the folder itself. */
  list(): Promise<readonly string[]>;
  /** The files below one of its folders. */
  within(folder: string): LogStorage;
}

/** Files that are gone with the process: for tests and for what sends nothing. */
export class MemoryFiles extends MemoryStorage implements Files {
  async append(path: string, length: number, bytes: Uint8Array): Promise<void> {
    const before = this.files.get(path)!.subarray(0, length);
    this.files.set(path, concatBytes([before, bytes]));
  }

  async truncate(path: string, length: number): Promise<void> {
    this.files.set(path, this.files.get(path)!.slice(0, length));
  }

  async list(): Promise<readonly string[]> {
    return [...new Set([...this.files.keys()].map((path) => path.split('/')[0]!))];
  }

  within(folder: string): LogStorage {
    return {
      read: (path) => this.read(`${folder}/${path}`),
      write: (path, bytes) => this.write(`${folder}/${path}`, bytes),
      remove: (path) => this.remove(`${folder}/${path}`),
    };
  }
}
