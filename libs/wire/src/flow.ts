import type { Writable } from 'node:stream';
import { Fault } from '@consilium/stdx';

/** The promise's outcome, or TIMEOUT after `ms`. The work itself goes on; end it by its own means. */
export function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Fault('TIMEOUT', { afterMs: ms })), ms);
    void work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * Waits until a stream whose `write` answered false takes more. Rejects with CANCELLED when the call is over, since
 * grpc-js then never calls back, and with TIMEOUT when the other side took nothing for `ms`.
 */
export function drained(stream: Writable, over: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (fault?: Fault): void => {
      clearTimeout(timer);
      stream.off('drain', onDrain);
      over.removeEventListener('abort', onOver);
      if (fault) reject(fault);
      else resolve();
    };
    const onDrain = (): void => settle();
    const onOver = (): void => settle(new Fault('CANCELLED'));
    const timer = setTimeout(() => settle(new Fault('TIMEOUT', { afterMs: ms })), ms);
    stream.on('drain', onDrain);
    over.addEventListener('abort', onOver);
    if (over.aborted) onOver();
  });
}

/** Cuts bytes into views of at most `size` bytes, without copying. */
export function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}
