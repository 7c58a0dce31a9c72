import type { Clock } from '@consilium/stdx';
import { peakRssBytes } from './processes.js';

const EVERY_MS = 1_000;

/**
 * The largest resident memory of a program over all its starts. The kernel keeps the peak of a living process only, so
 * it is asked again and again; what a process that was killed reached in its last second may be missed.
 */
export class PeakMemory {
  #peak: number | undefined;
  #cancel = (): void => {};

  constructor(
    private readonly pid: () => number | undefined,
    private readonly clock: Clock,
    private readonly ask: (pid: number) => Promise<number | undefined> = peakRssBytes,
  ) {}

  start(): void {
    this.#cancel = this.clock.after(EVERY_MS, () => void this.read().then(() => this.start()));
  }

  stop = (): void => {
    this.#cancel();
    this.start = () => {};
  };

  async read(): Promise<number | null> {
    const pid = this.pid();
    const now = pid === undefined ? undefined : await this.ask(pid);
    if (now !== undefined) this.#peak = Math.max(this.#peak ?? 0, now);
    return this.#peak ?? null;
  }
}
