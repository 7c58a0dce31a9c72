import { parentPort } from 'node:worker_threads';
import { Fault, invariant, unreachable } from '@consilium/stdx';
import { admitBytes, aggregateBytes, initialModel } from '../../aggregate/arithmetic.js';
import type { Answer, Request } from './protocol.js';

/** The arithmetic thread: warm from the program's start, so that a round never waits for a thread to load its code. */
invariant(parentPort, 'this file runs as a worker thread');
const port = parentPort;

port.on('message', ({ id, request }: { id: number; request: Request }) => {
  try {
    const bytes = compute(request);
    port.postMessage({ id, bytes } satisfies Answer, bytes ? [bytes.buffer as ArrayBuffer] : []);
  } catch (error) {
    const { code, facts, cause } = Fault.from(error);
    port.postMessage({ id, code, facts, cause: cause instanceof Error ? cause.stack : undefined } satisfies Answer);
  }
});

function compute(request: Request): Uint8Array | null {
  switch (request.kind) {
    case 'initialise':
      return initialModel(request.graph, request.seed);
    case 'admit':
      admitBytes(request.update, request.terms);
      return null;
    case 'aggregate':
      return aggregateBytes(request.work);
    default:
      return unreachable(request);
  }
}
