import type { CallOptions, ClientUnaryCall, ServiceError } from '@grpc/grpc-js';
import { Fault } from '@consilium/stdx';
import { fromStatus } from './status.js';

/** One question and its answer, within `ms`; CANCELLED when the signal aborts first. */
export function unary<T>(
  ask: (options: CallOptions, done: (error: ServiceError | null, answer?: T) => void) => ClientUnaryCall,
  ms: number,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => call.cancel();
    const call = ask({ deadline: Date.now() + ms }, (error, answer) => {
      signal?.removeEventListener('abort', onAbort);
      if (signal?.aborted) reject(new Fault('CANCELLED', {}, error));
      else if (error || answer === undefined) reject(fromStatus(error));
      else resolve(answer);
    });
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
}
