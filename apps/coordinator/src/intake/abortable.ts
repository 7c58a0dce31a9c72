import { Fault } from '@consilium/stdx';

/** The chunks until the signal aborts; then CANCELLED, even while a chunk is being waited for. */
export async function* abortable(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  const aborted = new Promise<never>((_, reject) => {
    const cancel = (): void => reject(new Fault('CANCELLED'));
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
  });
  // Also when nobody waits at that moment, a rejection must have a listener.
  aborted.catch(() => undefined);
  for (;;) {
    const { done, value } = await Promise.race([iterator.next(), aborted]);
    if (done) return;
    yield value;
  }
}
