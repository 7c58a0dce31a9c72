import { Worker } from 'node:worker_threads';
import type { Graph } from '@consilium/model';
import { Fault, invariant, withDeadline, type Clock } from '@consilium/stdx';
import type { AdmissionTerms, AggregationWork, Arithmetic } from '../../ports.js';
import type { Answer, Request } from './protocol.js';

/** No model of a supported size takes this long; a thread that does hangs and is replaced. */
const ANSWER_MS = 10 * 60_000;

type Waiting = { resolve: (bytes: Uint8Array | null) => void; reject: (fault: Fault) => void };

/** The arithmetic in one worker thread, one request after the other. A thread that dies fails what waits and is replaced. */
export class WorkerArithmetic implements Arithmetic {
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #lastId = 0;

  constructor(
    private readonly clock: Clock,
    private readonly file: URL = new URL('./thread.js', import.meta.url),
  ) {
    this.#start();
  }

  async initialise(graph: Graph, seed: number): Promise<Uint8Array> {
    return bytesOf(await this.#ask({ kind: 'initialise', graph, seed }, []));
  }

  async admit(update: Uint8Array, terms: AdmissionTerms): Promise<void> {
    await this.#ask({ kind: 'admit', update, terms }, [update]);
  }

  async aggregate(work: AggregationWork): Promise<Uint8Array> {
    const given = [work.base, ...work.contributions.map(({ bytes }) => bytes)];
    return bytesOf(await this.#ask({ kind: 'aggregate', work }, given));
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#failAll(new Fault('CANCELLED'));
    await thread?.terminate();
  }

  async #ask(request: Request, given: readonly Uint8Array[]): Promise<Uint8Array | null> {
    const thread = this.#thread ?? this.#start();
    const id = ++this.#lastId;
    const answer = new Promise<Uint8Array | null>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    thread.postMessage({ id, request }, given.flatMap(ownBuffer));
    try {
      return await withDeadline(answer, this.clock, ANSWER_MS);
    } catch (error) {
      if (Fault.is(error, 'TIMEOUT')) await thread.terminate();
      throw error;
    } finally {
      this.#waiting.delete(id);
    }
  }

  #start(): Worker {
    // Flags of the main thread, such as a test runner's, are not this one's.
    const thread = new Worker(this.file, { execArgv: [] });
    thread.unref();
    thread.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      if ('code' in answer) waiting?.reject(new Fault(answer.code, answer.facts, answer.cause));
      else waiting?.resolve(answer.bytes);
    });
    const gone = (cause?: unknown): void => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#failAll(new Fault('INTERNAL', {}, cause));
    };
    thread.on('error', gone);
    thread.on('exit', () => gone());
    this.#thread = thread;
    return thread;
  }

  #failAll(fault: Fault): void {
    for (const { reject } of this.#waiting.values()) reject(fault);
    this.#waiting.clear();
  }
}

/** A buffer that holds exactly these bytes moves to the thread; a view into a larger one is copied, for others may use the rest. */
const ownBuffer = (bytes: Uint8Array): ArrayBuffer[] =>
  bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];

function bytesOf(answer: Uint8Array | null): Uint8Array {
  invariant(answer, 'a request for bytes is answered with bytes');
  return answer;
}
