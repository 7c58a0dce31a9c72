import type { ServerReadableStream } from '@grpc/grpc-js';
import { DIGEST_PATTERN, Fault, RUN_ID_PATTERN, type SiteName } from '@consilium/stdx';
import { CallReader } from './call-reader.js';
import { within } from './flow.js';
import type { HubHandlers } from './hub-handlers.js';
import type { UpdateHeader, UploadMessage, UploadReceiptInit } from './messages.js';
import { CHUNK_BYTES } from './protocol.js';

type UploadCall = ServerReadableStream<UploadMessage, UploadReceiptInit>;

/**
 * Receives one update: the header, then its bytes. The end of the stream means nothing here, since a cancelled or broken
 * call ends like a complete one; only the announced number of bytes does.
 */
export async function receiveUpload(
  call: UploadCall,
  context: { peer: SiteName; handlers: HubHandlers; signal: AbortSignal; idleMs: number },
): Promise<UploadReceiptInit> {
  const { peer, handlers, signal, idleMs } = context;
  const incoming = new CallReader<UploadMessage>(call, signal);
  const next = (): Promise<UploadMessage | undefined> => within(incoming.next(), idleMs);

  const header = requireHeader((await next())?.header);
  return handlers.upload(peer, header, announcedBytes(next, header.length - header.offset), signal);
}

/** Exactly `announced` bytes, or an error. */
async function* announcedBytes(
  next: () => Promise<UploadMessage | undefined>,
  announced: number,
): AsyncGenerator<Uint8Array> {
  let came = 0;
  for (;;) {
    const message = await next();
    if (!message) break;
    if (message.body !== 'data' || !message.data) throw new Fault('MESSAGE_MALFORMED', { expected: 'data' });
    const { byteLength } = message.data;
    // An empty piece would let a site keep the call busy for ever without coming nearer to its end.
    if (byteLength === 0 || byteLength > CHUNK_BYTES) {
      throw new Fault('MESSAGE_MALFORMED', { expectedBytesMax: CHUNK_BYTES, came: byteLength });
    }
    came += byteLength;
    if (came > announced) throw new Fault('UPDATE_TOO_LARGE', { expectedBytes: announced });
    yield message.data;
  }
  if (came < announced) throw new Fault('UPDATE_TRUNCATED', { expectedBytes: announced, cameBytes: came });
}

/** A header whose every field has its form, or MESSAGE_MALFORMED with the field's path. */
export function requireHeader(header: UpdateHeader | null | undefined): UpdateHeader {
  const malformed = (field: string): Fault => new Fault('MESSAGE_MALFORMED', { field: `header.${field}` });
  if (!header) throw new Fault('MESSAGE_MALFORMED', { expected: 'header' });
  if (!header.round || !RUN_ID_PATTERN.test(header.round.run)) throw malformed('round');
  for (const field of ['planDigest', 'modelDigest', 'sha256'] as const) {
    if (!DIGEST_PATTERN.test(header[field])) throw malformed(field);
  }
  // Beyond 2^53 a JavaScript number no longer counts bytes.
  for (const field of ['length', 'examples', 'offset'] as const) {
    if (!Number.isSafeInteger(header[field]) || header[field] < 0) throw malformed(field);
  }
  if (header.length === 0) throw malformed('length');
  if (header.offset > header.length) throw malformed('offset');
  return header;
}
