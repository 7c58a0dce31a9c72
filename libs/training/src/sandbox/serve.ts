import { Fault, invariant } from '@consilium/stdx';
import { readParentMessage, type ChildMessage, type Protocol } from './messages.js';

export interface CallContext<Progress> {
  /** Aborted when the parent does not want the answer any more. */
  readonly signal: AbortSignal;
  /** Tells the parent how far the work is; only the newest word waits while an earlier one is on its way. */
  readonly progress: (progress: Progress) => void;
}

/** What a child does for each name of its protocol. */
export type Handlers<P extends Protocol> = {
  readonly [Name in keyof P]: (
    request: P[Name]['request'],
    context: CallContext<P[Name]['progress']>,
  ) => Promise<P[Name]['response']>;
};

/**
 * The child's side of {@link spawnSandboxed}: answers calls until the parent closes the channel or is gone, and then
 * ends the process. A handler's Fault reaches the parent with code and facts; any other error as INTERNAL.
 */
export function serveSandboxed<P extends Protocol>(handlers: Handlers<P>): void {
  const channel = process.send?.bind(process);
  invariant(channel, 'a sandboxed module is started by spawnSandboxed');
  const running = new Map<number, AbortController>();
  // The parent may vanish in the middle of a word; `disconnect` tells the rest.
  const send = (message: ChildMessage, sent?: () => void): boolean => channel(message, undefined, {}, () => sent?.());

  const answer = async (id: number, name: string, request: unknown): Promise<void> => {
    const abort = new AbortController();
    running.set(id, abort);
    try {
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
      if (!handler) throw new Fault('NOT_FOUND', { call: name });
      const context = {
        signal: abort.signal,
        progress: latest((progress, sent) => send({ type: 'progress', id, progress }, sent)),
      };
      send({ type: 'response', id, response: await handler(request, context) });
    } catch (error) {
      const { code, facts } = Fault.from(error);
      send({ type: 'fault', id, code, facts, detail: error instanceof Error ? (error.stack ?? error.message) : '' });
    } finally {
      running.delete(id);
    }
  };

  process.on('message', (value) => {
    const message = readParentMessage(value);
    if (message?.type === 'cancel') running.get(message.id)?.abort();
    if (message?.type === 'call') void answer(message.id, message.name, message.request);
  });
  process.on('disconnect', () => process.exit(0));
  send({ type: 'ready' });
}

/** One word at a time: while one is being sent the next waits, and a newer one takes its place. */
function latest<T>(send: (value: T, sent: () => void) => void): (value: T) => void {
  let busy = false;
  let waiting: { readonly value: T } | undefined;
  const next = (value: T): void => {
    busy = true;
    waiting = undefined;
    send(value, () => {
      busy = false;
      if (waiting) next(waiting.value);
    });
  };
  return (value) => {
    if (busy) waiting = { value };
    else next(value);
  };
}
