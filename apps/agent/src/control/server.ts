import { chmod, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Fault, parseShape } from '@consilium/stdx';
import { withSocketPath } from './address.js';
import { readLine } from './line.js';
import { REQUEST_BYTES_MAX, requestSchema, type ControlOrder } from './protocol.js';
import type { Replies, Reply } from './replies.js';

type Command = ControlOrder['command'];
type Order<Of extends Command> = Extract<ControlOrder, { command: Of }>;

/** What the site's people may ask of a running agent: one answer for each command of the protocol. */
export type Controls = {
  readonly [Of in Command]: (order: Order<Of>) => Replies[Of] | Promise<Replies[Of]>;
};

const CONNECTIONS_MAX = 16;
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * The door for this machine's people: a Unix socket that only the agent's own user may open (mode 600), so that nothing
 * listens on a network. The caller holds the lock on the state directory, so
 * a socket that is already there was left by a process that is gone.
 */
export class ControlServer {
  readonly #connections = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /** `failed` hears of every error, also of those that must end the agent; whoever asked is answered with its code. */
  static async listen(
    path: string,
    controls: Controls,
    failed: (error: unknown) => void = () => {},
  ): Promise<ControlServer> {
    const server = createServer({ allowHalfOpen: true });
    const control = new ControlServer(server);
    server.maxConnections = CONNECTIONS_MAX;
    server.on('connection', (socket) => void control.#serve(socket, controls, failed));
    await unlink(path).catch(() => {}); // usually there is none
    await withSocketPath(path, (name) => bind(server, name));
    await chmod(path, 0o600);
    return control;
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  async #serve(socket: Socket, controls: Controls, failed: (error: unknown) => void): Promise<void> {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => {}); // the operator's program went away; there is nobody to tell
    socket.end(`${JSON.stringify(await answer(socket, controls, failed))}\n`);
  }
}

async function answer(socket: Socket, controls: Controls, failed: (error: unknown) => void): Promise<Reply> {
  try {
    const line = await readLine(socket, { bytesMax: REQUEST_BYTES_MAX, timeoutMs: REQUEST_TIMEOUT_MS });
    return { ok: await perform(parseShape(requestSchema, parseJson(line), 'REQUEST_INVALID'), controls) };
  } catch (error) {
    failed(error);
    const { code, facts } = Fault.from(error);
    return { error: { code, facts: { ...facts } } };
  }
}

/** Reached by the schema's own names only, which the record has all. */
const perform = (order: ControlOrder, controls: Controls): unknown =>
  (controls[order.command] as (order: ControlOrder) => unknown)(order);

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Fault('REQUEST_INVALID', { expected: 'JSON' }, error);
  }
}

/** The umask closes the moment between bind and chmod in which others could connect. */
async function bind(server: Server, name: string): Promise<void> {
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: name }, resolve);
    });
  } finally {
    process.umask(before);
  }
}
