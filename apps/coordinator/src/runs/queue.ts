import { Fault } from '@consilium/stdx';

/** Pieces of work that may wait in one queue; beyond it the asker is told to come again. */
const WAITING_MAX = 4096;

/** One thing after the other, in the order asked. A failure is its asker's and does not stop the queue. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) return Promise.reject(new Fault('OVERLOADED', { waitingMax: WAITING_MAX }));
    this.#waiting++;
    const result = this.#last.then(work).finally(() => this.#waiting--);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** When everything asked so far is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
