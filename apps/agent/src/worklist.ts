import { Fault, type RunId } from '@consilium/stdx';
import { sameAssignment, type Assignment } from './offers.js';

/** Does one assignment; must settle soon after the signal aborts. It never throws: it answers the coordinator itself. */
export type Perform = (assignment: Assignment, signal: AbortSignal) => Promise<void>;

/** Runs that may wait at one time; the coordinator offers the others again. */
const WAITING_MAX = 16;

/**
 * One piece of work at a time. Within a run the newest offer wins: it aborts the one being worked on, and replaces the
 * one that waits. Different runs take turns. The same offer twice is one offer.
 */
export class Worklist {
  readonly #waiting = new Map<RunId, Assignment>();
  #current: { assignment: Assignment; abort: AbortController; done: Promise<void> } | undefined;
  #closed = false;

  constructor(private readonly perform: Perform) {}

  /** What is being worked on. */
  get current(): Assignment | undefined {
    return this.#current?.assignment;
  }

  offer(assignment: Assignment): void {
    if (this.#closed) return;
    const { run } = assignment;
    const current = this.#current;
    if (current?.assignment.run === run && !current.abort.signal.aborted) {
      if (sameAssignment(current.assignment, assignment)) return;
      current.abort.abort(new Fault('CANCELLED'));
    } else if (!this.#waiting.has(run) && this.#waiting.size >= WAITING_MAX) {
      throw new Fault('OVERLOADED', { waitingMax: WAITING_MAX });
    }
    this.#waiting.set(run, assignment);
    this.#next();
  }

  /** Drops what waits and aborts what is being done for this run, where `of` says so. */
  cancel(run: RunId, of: (assignment: Assignment) => boolean = () => true): void {
    const waiting = this.#waiting.get(run);
    if (waiting && of(waiting)) this.#waiting.delete(run);
    if (this.#current?.assignment.run === run && of(this.#current.assignment))
      this.#current.abort.abort(new Fault('CANCELLED'));
  }

  /** Aborts everything and waits until the last work has let go. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    this.#current?.abort.abort(new Fault('CANCELLED'));
    await this.#current?.done;
  }

  #next(): void {
    if (this.#current) return;
    const [assignment] = this.#waiting.values();
    if (!assignment) return;
    this.#waiting.delete(assignment.run);
    const abort = new AbortController();
    const done = this.perform(assignment, abort.signal).finally(() => {
      this.#current = undefined;
      this.#next();
    });
    this.#current = { assignment, abort, done };
  }
}
