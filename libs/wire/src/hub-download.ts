import type { ServerWritableStream } from '@grpc/grpc-js';
import { DIGEST_PATTERN, Fault, type SiteName } from '@consilium/stdx';
import { drained, pieces } from './flow.js';
import type { HubHandlers } from './hub-handlers.js';
import type { ModelChunkInit, ModelRequest } from './messages.js';
import { CHUNK_BYTES } from './protocol.js';

/**
 * Sends a model from the requested offset on. It is read from its source only as fast as the site takes it, so that a
 * slow site costs the coordinator a window of bytes and not a model.
 */
export async function sendModel(
  call: ServerWritableStream<ModelRequest, ModelChunkInit>,
  context: { peer: SiteName; handlers: HubHandlers; signal: AbortSignal; idleMs: number },
): Promise<void> {
  const { peer, handlers, signal, idleMs } = context;
  const { digest, offset } = call.request;
  if (!DIGEST_PATTERN.test(digest)) throw new Fault('MESSAGE_MALFORMED', { field: 'digest' });
  if (!Number.isSafeInteger(offset) || offset < 0) throw new Fault('MESSAGE_MALFORMED', { field: 'offset' });

  for await (const bytes of await handlers.download(peer, call.request, signal)) {
    for (const piece of pieces(bytes, CHUNK_BYTES)) {
      if (signal.aborted) throw new Fault('CANCELLED');
      // grpc-js only reads the piece, and protobufjs copies it: a view of the source's memory is safe.
      if (!call.write({ data: asBuffer(piece) })) await drained(call, signal, idleMs);
    }
  }
  // Ended from outside, the source may have stopped early: that must not look like the model's end.
  if (signal.aborted) throw new Fault('CANCELLED');
  call.end();
}

/** The same bytes as the Buffer that protobufjs knows best, without copying. */
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
