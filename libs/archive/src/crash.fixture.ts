import type { LogStorage } from '@consilium/ledger';
import { MemoryFiles } from './files.js';

/** What a process that was killed sees of its last call: nothing. */
export class Killed extends Error {}

/**
 * Files that outlive the program which is killed at its n-th write. Of a write that replaces a file, either nothing or
 * all has happened; of an append, any beginning. Afterwards nothing works any more, as for a dead process.
 */
export class MortalFiles extends MemoryFiles {
  writes = 0;
  /** The write at which the program dies, counted from 1; and how much of that write happens, from 0 to 1. */
  death: { readonly at: number; readonly done: number } = { at: Infinity, done: 0 };

  override async write(path: string, bytes: Uint8Array): Promise<void> {
    if (this.#lives()) return super.write(path, bytes);
    if (this.writes === this.death.at && this.death.done === 1) await super.write(path, bytes);
    throw new Killed();
  }

  override async append(path: string, length: number, bytes: Uint8Array): Promise<void> {
    if (this.#lives()) return super.append(path, length, bytes);
    if (this.writes === this.death.at)
      await super.append(path, length, bytes.subarray(0, Math.floor(bytes.byteLength * this.death.done)));
    throw new Killed();
  }

  override async truncate(path: string, length: number): Promise<void> {
    if (!this.#lives()) throw new Killed();
    await super.truncate(path, length);
  }

  override within(folder: string): LogStorage {
    const inner = super.within(folder);
    return { ...inner, remove: async (path) => (this.writes < this.death.at ? inner.remove!(path) : undefined) };
  }

  /** The same disk in the hands of a program that lives. */
  reborn(): MortalFiles {
    const files = new MortalFiles();
    for (const [path, bytes] of this.files) files.files.set(path, bytes.slice());
    return files;
  }

  #lives(): boolean {
    this.writes += 1;
    return this.writes < this.death.at;
  }
}
