import { Fault, utf8, type Clock } from '@consilium/stdx';
import type { Log } from '../log.js';
import type { LedgerRows } from '../ports.js';
import { mayPass } from '../runs/insist.js';
import { SerialQueue } from '../runs/queue.js';
import type { Halt } from './halt.js';
import { shardAt, yearOfShard, type ShardId } from './shard-id.js';
import type { Shards } from './shards.js';
import type { StartGate } from './start-gate.js';

export interface IntegratorParts {
  readonly rows: LedgerRows;
  readonly shards: Shards;
  readonly gate: Pick<StartGate, 'opened'>;
  readonly halt: Halt;
  readonly clock: Clock;
  readonly log: Log;
  /** The log can be written no more, or is not what it was: the program must end. */
  readonly fatal: (error: unknown) => void;
}

/** Told after each pass that went through, with the entries that it added. */
export type PassListener = (entries: readonly string[]) => void;

/** Entries that nobody waits for are hashed together at most this much later. */
const SOON_MS = 250;
/** Entries under one checkpoint at most. */
const BATCH = 1000;
const RETRIES_MS = [1000, 2000, 4000, 8000, 16_000];

/**
 * Makes the log from the rows, one pass after the other: numbers them (durable), then tiles, fsync, re-read, re-hash and
 * the signature. A pass that dies anywhere is done again by the next one with the same numbers, so that nothing which
 * was published is ever contradicted. While it cannot write, nothing else that the ledger would tell of may happen.
 */
export class Integrator {
  readonly #serial = new SerialQueue();
  readonly #listeners = new Set<PassListener>();
  #next: Promise<void> | undefined;
  #failure: Fault | undefined;
  #failures = 0;
  #timer: (() => void) | undefined;
  #closed = false;

  constructor(private readonly parts: IntegratorParts) {}

  /** What keeps the log from being written now; gone when a full disk has room again. */
  get failure(): Fault | undefined {
    return this.#failure;
  }

  /** Everything stored before this was called stands under a signed checkpoint when it answers. */
  checkpoint(): Promise<void> {
    this.#next ??= this.#serial.run(() => {
      this.#next = undefined;
      return this.#pass();
    });
    return this.#next;
  }

  /** There are new rows that nobody waits for. */
  soon(waitMs = SOON_MS): void {
    if (this.#closed) return;
    this.#timer ??= this.parts.clock.after(waitMs, () => {
      this.#timer = undefined;
      this.checkpoint().catch(() => undefined);
    });
  }

  onPass(listener: PassListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** When the next pass has gone through. CANCELLED by the signal. */
  nextPass(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        unlisten();
        signal.removeEventListener('abort', cancel);
        settle();
      };
      const cancel = end(() => reject(new Fault('CANCELLED')));
      const unlisten = this.onPass(end(resolve));
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.();
    await this.#serial.idle();
  }

  async #pass(): Promise<void> {
    const { gate, halt } = this.parts;
    await gate.opened;
    halt.require();
    try {
      const entries = await this.#integrate();
      this.#failure = undefined;
      this.#failures = 0;
      for (const listener of this.#listeners) listener(entries);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  async #integrate(): Promise<readonly string[]> {
    const { shards, clock } = this.parts;
    const entries = await this.#drain(shards.newest);
    const shard = shardAt(clock.now());
    // A clock that went back opens no shard, and one that is ahead opens it once.
    if (yearOfShard(shard) <= yearOfShard(shards.newest)) return entries;
    await shards.begin(shard, 'year');
    return [...entries, ...(await this.#drain(shard))];
  }

  async #drain(shard: ShardId): Promise<readonly string[]> {
    const { rows, shards } = this.parts;
    await rows.number();
    const log = await shards.log(shard);
    const added: string[] = [];
    for (;;) {
      const entries = await rows.read(shard, log.size, log.size + BATCH);
      if (!entries.length) return added;
      await log.integrate(entries.map((entry) => utf8(entry)));
      added.push(...entries);
    }
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    const { log, fatal } = this.parts;
    if (!mayPass(error)) {
      this.#failure = Fault.from(error, 'LEDGER_UNWRITABLE');
      fatal(error);
      return;
    }
    if (Fault.is(error, 'DISK_FULL')) this.#failure = error;
    const waitMs = RETRIES_MS[Math.min(this.#failures++, RETRIES_MS.length - 1)]!;
    log.error({ err: error, waitMs }, 'the ledger cannot be written; nothing goes on until it can');
    this.soon(waitMs);
  }
}
