import { status, type ClientWritableStream } from '@grpc/grpc-js';
import { Fault, invariant } from '@consilium/stdx';
import { CallGuard } from './call-guard.js';
import { drained, pieces } from './flow.js';
import type { UpdatesClient } from './generated/consilium/v1/Updates.js';
import type { UpdateHeaderInit, UpdateState, UploadMessageInit, UploadReceipt } from './messages.js';
import { CHUNK_BYTES } from './protocol.js';
import { unary } from './unary.js';

export interface UploadJob {
  /** What is sent; `length` and `sha256` are those of `bytes`, `offset` is set here. */
  readonly header: UpdateHeaderInit;
  readonly bytes: Uint8Array;
  readonly signal?: AbortSignal;
  /** Told how many bytes have been handed to the network, those of earlier attempts included. */
  readonly onProgress?: (sent: number) => void;
}

/**
 * Sends an update, going on from what the coordinator already has. The receipt means that the coordinator committed it.
 * One attempt: after a Fault the caller decides, and may simply call again.
 */
export async function upload(
  updates: UpdatesClient,
  job: UploadJob,
  limits: { answerMs: number; idleMs: number },
): Promise<UploadReceipt> {
  const { header, bytes, signal, onProgress } = job;
  invariant(header.length === bytes.byteLength, 'an update’s header announces the length of its bytes');
  const state: UpdateState = await unary(
    (options, done) => updates.Query({ ...header, offset: 0 }, options, done),
    limits.answerMs,
    signal,
  );
  if (state.committed) return { sha256: String(header.sha256), duplicate: true };
  const offset = state.received;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > bytes.byteLength) {
    throw new Fault('MESSAGE_MALFORMED', { field: 'received', expectedMax: bytes.byteLength });
  }
  return send(updates, { ...header, offset }, bytes.subarray(offset), limits.idleMs, signal, (sent) =>
    onProgress?.(offset + sent),
  );
}

async function send(
  updates: UpdatesClient,
  header: UpdateHeaderInit,
  rest: Uint8Array,
  idleMs: number,
  signal: AbortSignal | undefined,
  onSent: (sent: number) => void,
): Promise<UploadReceipt> {
  let settle: (error: unknown, receipt?: UploadReceipt) => void = () => {};
  const call: ClientWritableStream<UploadMessageInit> = updates.Upload((error, receipt) => settle(error, receipt));
  const guard = new CallGuard(call, idleMs, signal);
  const answered = new Promise<UploadReceipt>((resolve, reject) => {
    settle = (error, receipt) => {
      // Wakes the writer, whose stream never drains again.
      guard.end();
      if (receipt) resolve(receipt);
      else reject(error ?? { code: status.INTERNAL });
    };
  });
  const write = async (message: UploadMessageInit): Promise<void> => {
    if (!call.write(message)) await drained(call, guard.over, idleMs);
    guard.touch();
  };
  const writing = (async () => {
    await write({ header });
    let sent = 0;
    for (const piece of pieces(rest, CHUNK_BYTES)) {
      if (guard.over.aborted) return;
      await write({ data: Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength) });
      sent += piece.byteLength;
      onSent(sent);
    }
    call.end();
  })();
  // The answer decides: when the coordinator refuses early, the writer merely stops.
  writing.catch(() => guard.end());
  try {
    return await answered;
  } catch (error) {
    throw guard.explain(error);
  } finally {
    guard.end();
  }
}
