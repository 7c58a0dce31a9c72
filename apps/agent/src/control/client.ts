import { connect, type Socket } from 'node:net';
import { Fault, parseShape } from '@consilium/stdx';
import type { z } from 'zod';
import { withSocketPath } from './address.js';
import { readLine } from './line.js';
import { REPLY_BYTES_MAX, type ControlRequest } from './protocol.js';
import { REPLIES, replySchema, type Replies } from './replies.js';

/** Loading the data of a plan being approved may take this long. */
const REPLY_TIMEOUT_MS = 120_000;

/** Asks the running agent; throws its Fault, or UNAVAILABLE when none runs on this state directory. */
export async function askAgent<Request extends ControlRequest>(
  path: string,
  request: Request,
): Promise<Replies[Request['command']]> {
  const schema = REPLIES[request.command] as z.ZodType as z.ZodType<Replies[Request['command']]>;
  const socket = await withSocketPath(path, open);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    const line = await readLine(socket, { bytesMax: REPLY_BYTES_MAX, timeoutMs: REPLY_TIMEOUT_MS });
    const reply = parseShape(replySchema, JSON.parse(line), 'MESSAGE_MALFORMED');
    if ('error' in reply) throw new Fault(reply.error.code, reply.error.facts);
    return parseShape(schema, reply.ok, 'MESSAGE_MALFORMED');
  } finally {
    socket.destroy();
  }
}

/** Whether an agent answers on this socket: the sign of life for the lock. */
export async function agentAnswers(path: string): Promise<boolean> {
  try {
    (await withSocketPath(path, open)).destroy();
    return true;
  } catch {
    return false; // nobody listens, or there is no socket
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path }, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => {}); // told by the read that follows
      resolve(socket);
    });
    socket.once('error', (error) =>
      reject(new Fault('UNAVAILABLE', { what: 'a running agent on this state directory' }, error)),
    );
  });
}
