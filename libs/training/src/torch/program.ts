import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Fault } from '@consilium/stdx';
import { encodeMessage, MessageReader, type Message } from './frames.js';

export interface TorchOptions {
  /** A Python of 3.10 or later that can import torch. */
  readonly python: string;
  /** `auto`: the first CUDA device, else the processor. */
  readonly device?: 'auto' | 'cpu' | `cuda${string}`;
  /** Threads of PyTorch on the processor; left away, 1, which gives the same bits on each machine of a kind. */
  readonly threads?: number;
  /** How long one answer may take before the program counts as hanging; left away, ten minutes. */
  readonly answerMs?: number;
  /** The program; tests put others in its place. */
  readonly programPath?: string;
  /** More arguments for it. */
  readonly args?: readonly string[];
}

/** What the program gets of our environment: enough to find libraries and the site's choice of GPUs, and no more. */
const INHERITED = ['PATH', 'LANG', 'TZ', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES', 'CUBLAS_WORKSPACE_CONFIG'] as const;

const ANSWER_MS = 600_000;
/** PyTorch is large: the first import from a cold disk takes its time. */
const START_MS = 180_000;
const STDERR_CHARS_MAX = 4_096;

interface Question {
  readonly facts: { readonly step?: number };
  readonly settle: (answer: Message) => void;
  readonly fail: (fault: Fault) => void;
}

/**
 * The Python program, asked one thing after another over its standard input and output. It is a child of whoever trains,
 * so it lives in the same network namespace and ends with its input.
 */
export class TorchProgram {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting: Question[] = [];
  readonly #reader = new MessageReader();
  readonly #answerMs: number;
  #timer: NodeJS.Timeout | undefined;
  #alive = true;
  #started = false;
  #stderr = '';

  constructor({
    python,
    device = 'auto',
    threads = 1,
    answerMs = ANSWER_MS,
    programPath = fileURLToPath(new URL('../../python/program.py', import.meta.url)),
    args = [],
  }: TorchOptions) {
    this.#answerMs = answerMs;
    // -I: nothing of the user's own Python settings and packages; -B: no compiled files beside the program.
    this.#process = spawn(python, ['-I', '-B', programPath, device, String(threads), ...args], {
      env: Object.fromEntries(
        INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
      ),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#process.stdout.on('data', (piece: Buffer) => this.#receive(piece));
    this.#process.stderr.setEncoding('utf8');
    this.#process.stderr.on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX);
    });
    // Writing to a program that is gone, and a program that never was; `close` or `error` tells the rest.
    this.#process.stdin.on('error', () => undefined);
    this.#process.once('error', () => this.#die());
    this.#process.once('close', () => this.#die());
  }

  get alive(): boolean {
    return this.#alive;
  }

  /**
   * @param facts what a fault tells beside its code
   * @throws Fault ENGINE_DIED if the program ends, hangs or fails first, OUT_OF_MEMORY, ENGINE_UNSUPPORTED
   */
  ask(op: string, message: Partial<Message> = {}, facts: { readonly step?: number } = {}): Promise<Message> {
    return new Promise((settle, fail) => {
      if (!this.#alive) return fail(this.#death(facts));
      this.#waiting.push({ facts, settle, fail });
      for (const piece of encodeMessage({ header: { ...message.header, op }, arrays: message.arrays ?? {} })) {
        this.#process.stdin.write(piece);
      }
      if (this.#waiting.length === 1) this.#watch();
    });
  }

  /** Lets the program end, and resolves when it has. */
  async close(): Promise<void> {
    if (!this.#alive) return;
    this.#process.stdin.end();
    await once(this.#process, 'close');
  }

  #receive(piece: Buffer): void {
    try {
      for (const answer of this.#reader.read(piece)) this.#settle(answer);
    } catch {
      // Not a message: whatever writes there, it is not our program any more.
      this.#process.kill('SIGKILL');
    }
  }

  #settle(answer: Message): void {
    const question = this.#waiting.shift();
    this.#started = true;
    this.#watch();
    if (!question) return;
    const fault = this.#faultOf(answer, question);
    if (fault) question.fail(fault);
    else question.settle(answer);
  }

  #faultOf({ header: { fault, layer, feature } }: Message, { facts }: Question): Fault | undefined {
    if (fault === undefined) return undefined;
    if (fault === 'out-of-memory') return new Fault('OUT_OF_MEMORY', facts);
    if (fault === 'unsupported') {
      return new Fault('ENGINE_UNSUPPORTED', { ...(typeof layer === 'string' && { layer }), feature: String(feature) });
    }
    return this.#death(facts);
  }

  /** Bounds the time of the question that is being answered. */
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.length === 0) return;
    const patience = this.#started ? this.#answerMs : START_MS;
    this.#timer = setTimeout(() => this.#process.kill('SIGKILL'), patience);
  }

  #die(): void {
    if (!this.#alive) return;
    this.#alive = false;
    clearTimeout(this.#timer);
    for (const { facts, fail } of this.#waiting.splice(0)) fail(this.#death(facts));
  }

  /** What the program said last is the cause: for our own log, never for others. */
  #death(facts: { readonly step?: number }): Fault {
    return new Fault('ENGINE_DIED', { engine: 'torch', ...facts }, new Error(this.#stderr));
  }
}
