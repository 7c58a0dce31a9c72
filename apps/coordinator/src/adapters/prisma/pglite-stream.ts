import { Duplex } from 'node:stream';
import type { PGlite } from '@electric-sql/pglite';
import pg from 'pg';

/** PostgreSQL's protocol, version 3 (PostgreSQL manual, chapter 54): every message but the first is a type byte, an int32 length and its body. */
const TERMINATE = 'X'.charCodeAt(0);
const LENGTH_BYTES = 4;

/**
 * A node-postgres pool whose one connection is a PGlite in this process: the wire protocol goes to PGlite's interpreter
 * through this stream, without a socket. So Prisma's adapter for PostgreSQL serves both databases, and what is tested
 * on one is what runs on the other. PGlite has one session, hence `max: 1`: transactions queue.
 */
export function pglitePool(database: PGlite): pg.Pool {
  const stream = (): never => new PGliteStream(database) as never;
  return new pg.Pool({ max: 1, user: 'postgres', database: 'postgres', idleTimeoutMillis: 0, stream });
}

export class PGliteStream extends Duplex {
  #pending: Buffer = Buffer.alloc(0);
  #startedUp = false;

  constructor(private readonly database: PGlite) {
    super({ allowHalfOpen: false });
  }

  // What node-postgres calls on a socket, beyond a stream.
  connect(): this {
    queueMicrotask(() => this.emit('connect'));
    return this;
  }
  setNoDelay = (): this => this;
  setKeepAlive = (): this => this;
  ref = (): this => this;
  unref = (): this => this;

  override _read(): void {
    // Answers are pushed as they come.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pending = this.#pending.length ? Buffer.concat([this.#pending, chunk]) : chunk;
    const { length, terminates } = this.#wholeMessages();
    const messages = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    this.#execute(messages).then(() => {
      if (terminates) this.push(null);
      done();
    }, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  async #execute(messages: Buffer): Promise<void> {
    if (messages.length === 0) return;
    const answer = await this.database.execProtocolRaw(messages);
    // A copy, since the answer is a view into the WebAssembly memory.
    if (answer.length) this.push(Buffer.from(answer));
  }

  /** How many of the pending bytes are whole messages; Terminate ends them and is kept from PGlite, which stays open. */
  #wholeMessages(): { length: number; terminates: boolean } {
    let length = 0;
    for (;;) {
      const typeBytes = this.#startedUp ? 1 : 0;
      if (this.#pending.length - length < typeBytes + LENGTH_BYTES) return { length, terminates: false };
      const size = typeBytes + this.#pending.readInt32BE(length + typeBytes);
      if (this.#pending.length - length < size) return { length, terminates: false };
      if (this.#startedUp && this.#pending[length] === TERMINATE) return { length, terminates: true };
      this.#startedUp = true;
      length += size;
    }
  }
}
