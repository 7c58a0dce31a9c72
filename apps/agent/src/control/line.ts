import type { Socket } from 'node:net';
import { Fault } from '@consilium/stdx';

/** Reads one line within a byte limit and a time limit; throws MESSAGE_MALFORMED or TIMEOUT. */
export async function readLine(
  socket: Socket,
  { bytesMax, timeoutMs }: { bytesMax: number; timeoutMs: number },
): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => socket.destroy(new Fault('TIMEOUT', { afterMs: timeoutMs })), timeoutMs);
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const end = chunk.indexOf(0x0a);
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      length += chunk.byteLength;
      if (length > bytesMax) throw new Fault('MESSAGE_MALFORMED', { bytesMax });
      if (end >= 0) return Buffer.concat(chunks).toString('utf8');
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Fault('MESSAGE_MALFORMED', { expected: 'a line' });
}
