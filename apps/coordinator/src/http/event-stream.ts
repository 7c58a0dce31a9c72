import type { Clock } from '@consilium/stdx';
import type { RunView } from '../runs/shapes.js';
import type { Reply } from './reply.js';

/** Often enough that no proxy on the way takes the silence for an end. */
const PING_MS = 15_000;
const ENDED: ReadonlySet<RunView['state']> = new Set(['finished', 'failed', 'cancelled']);

/** The stream of one reader. While the reader is slow only the newest picture waits. */
export class EventStream {
  #latest: RunView | undefined;
  #sent = '';
  #blocked = false;
  #ended = false;
  #stopPing = (): void => {};
  #whenEnded = (): void => {};

  constructor(
    private readonly reply: Reply,
    private readonly clock: Clock,
  ) {}

  onEnd(listener: () => void): void {
    this.#whenEnded = listener;
  }

  start(): void {
    const { raw } = this.reply.hijack();
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Nginx would gather events otherwise.
      'x-accel-buffering': 'no',
    });
    raw.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
    raw.on('error', () => this.end());
    this.#ping();
  }

  push(run: RunView): void {
    this.#latest = run;
    this.#flush();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopPing();
    this.reply.raw.end();
    this.#whenEnded();
  }

  #flush(): void {
    if (this.#ended || this.#blocked || !this.#latest) return;
    const run = this.#latest;
    this.#latest = undefined;
    const data = JSON.stringify(run);
    if (data !== this.#sent) this.#blocked = !this.reply.raw.write(`event: run\ndata: ${data}\n\n`);
    this.#sent = data;
    if (ENDED.has(run.state)) this.end();
  }

  #ping(): void {
    this.#stopPing = this.clock.after(PING_MS, () => {
      if (this.#ended) return;
      if (!this.#blocked) this.reply.raw.write(': ping\n\n');
      this.#ping();
    });
  }
}
