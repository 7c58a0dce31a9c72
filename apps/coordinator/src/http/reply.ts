import type { IncomingMessage, ServerResponse } from 'node:http';

/** What we use of Fastify's reply. */
export interface Reply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  status(code: number): Reply;
  header(name: string, value: string | number): Reply;
  send(body: unknown): Reply;
  /** From here on the answer is ours alone. */
  hijack(): Reply;
}

/** What we use of Fastify's request. */
export interface Request {
  readonly raw: IncomingMessage;
  readonly headers: IncomingMessage['headers'];
}
