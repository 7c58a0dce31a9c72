import { disk, type Disk } from './change.js';

/** The program is killed: nothing runs after it, and what it was doing has happened or has not. */
export class Killed extends Error {}

/** A disk on which the n-th step is the last: before it happened, or just after. `steps` counts them. */
export class DeadlyDisk implements Disk {
  steps = 0;

  constructor(
    private readonly last = Infinity,
    private readonly when: 'before' | 'after' = 'before',
  ) {}

  /** File by file, since a kill may come between two of one call as well. */
  write = async (files: ReadonlyMap<string, Uint8Array>): Promise<void> => {
    for (const file of files) await this.#step(() => disk.write(new Map([file])));
  };
  remove = (path: string): Promise<void> => this.#step(() => disk.remove(path));

  async #step(work: () => Promise<void>): Promise<void> {
    this.steps += 1;
    if (this.steps > this.last) throw new Killed();
    if (this.steps < this.last) return work();
    if (this.when === 'after') await work();
    throw new Killed();
  }
}

/** Every way of being killed once in work of so many steps. */
export const everyKill = (steps: number): [number, 'before' | 'after'][] =>
  Array.from({ length: steps }, (_, i) => i + 1).flatMap((n): [number, 'before' | 'after'][] => [
    [n, 'before'],
    [n, 'after'],
  ]);
