import type { EngineName } from '../engine.js';
import { activateBackend } from './backend.js';

let last: Promise<unknown> = Promise.resolve();

/**
 * Does the work when all earlier work is done, with its backend active: TensorFlow.js has one active backend for the
 * whole process, so two engines must not take turns within their work.
 */
export function inTurn<T>(backend: EngineName, work: () => Promise<T>): Promise<T> {
  const turn = last.then(async () => {
    await activateBackend(backend);
    return work();
  });
  // The next in line comes whether or not this succeeds; its own caller hears of a failure.
  last = turn.catch(() => undefined);
  return turn;
}
