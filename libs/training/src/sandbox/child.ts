import type { ChildProcess } from 'node:child_process';
import { Fault, invariant, type Facts } from '@consilium/stdx';
import { readChildMessage, type ChildMessage, type ParentMessage, type Protocol } from './messages.js';

/** How a child ended. */
export interface Ending {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CallOptions<Progress> {
  readonly onProgress?: (progress: Progress) => void;
  /** Aborting asks the child to stop, and kills it, with all its calls, if it does not within `graceMs`. */
  readonly signal?: AbortSignal;
}

/** How many calls may wait for their answer at once; further ones are refused with OVERLOADED. */
const CALLS_MAX = 16;

interface Call {
  readonly onProgress: (progress: unknown) => void;
  readonly settle: (outcome: { response: unknown } | { fault: Fault }) => void;
}

/** A child process that answers calls. Made by {@link spawnSandboxed}. */
export class SandboxedChild<P extends Protocol> {
  readonly pid: number;
  /** How it ended, once it has; never rejects. */
  readonly ended: Promise<Ending>;
  readonly #calls = new Map<number, Call>();
  #nextId = 1;
  #ending: Ending | undefined;

  constructor(
    private readonly process: ChildProcess,
    /** Whether the child was seen to be in a network namespace of its own. */
    readonly isolated: boolean,
    private readonly graceMs: number,
    /** The last of what the child wrote to standard error: for our own log, never for others. */
    private readonly stderrTail: () => string,
  ) {
    invariant(process.pid !== undefined, 'a started child has a process id');
    this.pid = process.pid;
    this.ended = endingOf(process).then((ending) => {
      this.#ending = ending;
      for (const call of this.#calls.values()) call.settle({ fault: this.death() });
      return ending;
    });
    process.on('message', (value) => this.#receive(readChildMessage(value)));
    // Whoever closed the channel, a child without one can answer nobody and is not waited for.
    process.once('disconnect', () => {
      const killer = setTimeout(() => process.kill('SIGKILL'), graceMs);
      void this.ended.then(() => clearTimeout(killer));
    });
    // Writing to a child that is gone; `exit` tells the rest.
    process.on('error', () => undefined);
  }

  /**
   * Asks the child for something and waits for its answer.
   *
   * @throws Fault the child's own, TRAINING_DIED if it ends first, CANCELLED after an abort, OVERLOADED
   */
  async call<Name extends keyof P & string>(
    name: Name,
    request: P[Name]['request'],
    { onProgress, signal }: CallOptions<P[Name]['progress']> = {},
  ): Promise<P[Name]['response']> {
    if (signal?.aborted) throw new Fault('CANCELLED');
    if (this.#ending) throw this.death();
    if (this.#calls.size >= CALLS_MAX) throw new Fault('OVERLOADED', { callsMax: CALLS_MAX });

    const id = this.#nextId++;
    let killer: NodeJS.Timeout | undefined;
    const cancel = (): void => {
      this.#send({ type: 'cancel', id });
      killer = setTimeout(() => this.process.kill('SIGKILL'), this.graceMs);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await new Promise<P[Name]['response']>((resolve, reject) => {
        this.#calls.set(id, {
          onProgress: (progress) => onProgress?.(progress),
          settle: (outcome) => ('fault' in outcome ? reject(outcome.fault) : resolve(outcome.response)),
        });
        this.#send({ type: 'call', id, name, request });
      });
    } catch (error) {
      // A child that had to be killed for an abort did not die by itself.
      throw signal?.aborted && Fault.is(error, 'TRAINING_DIED') ? new Fault('CANCELLED', {}, error) : error;
    } finally {
      clearTimeout(killer);
      signal?.removeEventListener('abort', cancel);
      this.#calls.delete(id);
    }
  }

  /** Lets the child end by closing its channel, and kills it if it has not after `graceMs`. */
  stop(): Promise<Ending> {
    if (this.process.connected) this.process.disconnect();
    return this.ended;
  }

  #send(message: ParentMessage): void {
    // Without a channel `exit` is about to fail every call.
    if (this.process.connected) this.process.send(message);
  }

  #receive(message: ChildMessage | undefined): void {
    if (!message || message.type === 'ready') return;
    const call = this.#calls.get(message.id);
    if (!call) return;
    if (message.type === 'progress') call.onProgress(message.progress);
    else if (message.type === 'response') call.settle({ response: message.response });
    else call.settle({ fault: new Fault(message.code, message.facts, message.detail) });
  }

  /** Why a call cannot be answered any more. */
  death(): Fault {
    const { exitCode, signal } = this.#ending ?? { exitCode: null, signal: null };
    const facts: Facts = signal ? { signal } : exitCode === null ? {} : { exitCode };
    return new Fault('TRAINING_DIED', facts, this.stderrTail());
  }
}

/** How long the last words of a child that has ended may take to reach us. */
const LAST_WORDS_MS = 500;

/** Waits for the end and then, with a bound, for the rest of standard error, which may still be held by somebody. */
function endingOf(process: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    process.once('exit', (exitCode, signal) => {
      const end = (): void => resolve({ exitCode, signal });
      const bound = setTimeout(end, LAST_WORDS_MS);
      process.once('close', () => {
        clearTimeout(bound);
        end();
      });
    });
  });
}
