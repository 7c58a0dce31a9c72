import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, type Digest } from '@consilium/stdx';
import { CallGuard } from './call-guard.js';
import type { ModelsClient } from './generated/consilium/v1/Models.js';

export interface DownloadJob {
  readonly digest: Digest;
  /** The model's length, as the offer announced it: this much is allocated, and not a byte more is taken. */
  readonly bytes: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (received: number) => void;
}

/** Broken streams in a row, without a byte between them, that end the download. */
const BREAKS_MAX = 5;
const PAUSE_MS = 200;

/**
 * Fetches a model and verifies it: what is returned has the SHA-256 that was asked for. A broken stream is taken up at
 * the byte where it broke.
 *
 * Faults: MODEL_DIGEST_MISMATCH when other bytes, more or fewer came; NOT_FOUND and the like as the coordinator says;
 * UNAVAILABLE or TIMEOUT when the stream broke {@link BREAKS_MAX} times without progress; CANCELLED by the signal.
 */
export async function download(models: ModelsClient, job: DownloadJob, idleMs: number): Promise<Uint8Array> {
  const model = new Uint8Array(job.bytes);
  const hash = createHash('sha256');
  const progress = { received: 0 };
  for (let breaks = 0; ;) {
    const before = progress.received;
    try {
      await receive(models, job, idleMs, progress, (piece, at) => {
        model.set(piece, at);
        hash.update(piece);
      });
      break;
    } catch (error) {
      const fault = Fault.from(error);
      breaks = progress.received > before ? 1 : breaks + 1;
      if (!isPassing(fault) || breaks >= BREAKS_MAX) throw fault;
      await sleep(PAUSE_MS * breaks, undefined, { signal: job.signal }).catch((cause: unknown) => {
        throw new Fault('CANCELLED', {}, cause);
      });
    }
  }
  if (progress.received < job.bytes || hash.digest('hex') !== job.digest) throw mismatch(job, progress.received);
  return model;
}

/** One stream from where the last one broke, until the coordinator ends it. */
async function receive(
  models: ModelsClient,
  { digest, bytes, signal, onProgress }: DownloadJob,
  idleMs: number,
  progress: { received: number },
  take: (piece: Uint8Array, at: number) => void,
): Promise<void> {
  const call = models.Download({ digest, offset: progress.received });
  const guard = new CallGuard(call, idleMs, signal);
  // The loop throws an error while it runs; one that comes after it was left, such as our own cancel, is nobody's.
  call.on('error', () => {});
  try {
    for await (const { data } of call as AsyncIterable<{ data: Buffer }>) {
      guard.touch();
      if (progress.received + data.byteLength > bytes) {
        throw mismatch({ bytes }, progress.received + data.byteLength);
      }
      take(data, progress.received);
      progress.received += data.byteLength;
      onProgress?.(progress.received);
    }
  } catch (error) {
    throw guard.explain(error);
  } finally {
    guard.end();
  }
}

const isPassing = (fault: Fault): boolean => fault.code === 'UNAVAILABLE' || fault.code === 'TIMEOUT';

const mismatch = ({ bytes }: { bytes: number }, cameBytes: number): Fault =>
  new Fault('MODEL_DIGEST_MISMATCH', { expectedBytes: bytes, cameBytes });
