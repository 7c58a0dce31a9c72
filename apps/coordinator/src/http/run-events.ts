import type { Clock, RunId } from '@consilium/stdx';
import type { RunCatalog } from '../runs/catalog.js';
import type { RunFeed } from '../runs/feed.js';
import type { StillAllowed } from '../people/allow.js';
import { EventStream } from './event-stream.js';
import type { Reply, Request } from './reply.js';

/** Who may watch no longer is cut off within this time. */
const RECHECK_MS = 30_000;

/** Server-sent events (WHATWG HTML §9.2) of runs: the whole run each time, so that a reader who missed one missed nothing. */
export class RunEvents {
  readonly #open = new Set<() => void>();

  constructor(
    private readonly catalog: RunCatalog,
    private readonly feed: RunFeed,
    private readonly clock: Clock,
  ) {}

  /** Answers with the stream, after the first picture was made: before that an error is still an ordinary answer. */
  async stream(id: RunId, request: Request, reply: Reply, still: StillAllowed): Promise<void> {
    const first = await this.catalog.show(id);
    const stream = new EventStream(reply, this.clock);
    const unwatch = this.feed.watch(id, () => void this.#tell(id, stream));
    let stopRecheck = (): void => {};
    const end = (): void => {
      stopRecheck();
      unwatch();
      stream.end();
      this.#open.delete(end);
    };
    this.#open.add(end);
    stream.onEnd(end);
    request.raw.once('close', end);
    const recheck = (): void => {
      // Where the accounts cannot be asked, the reader comes again and is answered the reason.
      const look = (): void => void still().then((may) => (may && this.#open.has(end) ? recheck() : end()), end);
      stopRecheck = this.clock.after(RECHECK_MS, look);
    };
    recheck();
    stream.start();
    stream.push(first);
    // It may have ended before the watch began.
    await this.#tell(id, stream);
  }

  /** Ends all streams; their readers come again when the coordinator is back. */
  close(): void {
    for (const end of [...this.#open]) end();
  }

  async #tell(id: RunId, stream: EventStream): Promise<void> {
    try {
      const run = this.catalog.showActive(id) ?? (await this.catalog.show(id));
      stream.push(run);
    } catch {
      // The store is out of reach: the reader connects again and is answered the reason.
      stream.end();
    }
  }
}
