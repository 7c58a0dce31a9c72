import type { ClientDuplexStream } from '@grpc/grpc-js';
import { Fault } from '@consilium/stdx';
import { CallGuard } from './call-guard.js';
import { SESSION_BACKLOG_MAX } from './hub-handlers.js';
import type { CoordinatorMessage, HelloInit, SiteMessageInit } from './messages.js';
import { requireVersion } from './protocol.js';

type SessionCall = ClientDuplexStream<SiteMessageInit, CoordinatorMessage>;

/** The site's end of its session with the coordinator. */
export interface Session {
  /**
   * What the coordinator says, the Welcome first. Ends when the coordinator ends the session or `close` was called;
   * throws the Fault that broke it otherwise (SESSION_REPLACED, UNAVAILABLE, CANCELLED by the signal …).
   */
  readonly messages: AsyncIterable<CoordinatorMessage>;
  /** Queues a message; false when the session is over or too much waits already, and then nothing was queued. */
  send(message: SiteMessageInit): boolean;
  /** Says that the site has nothing more to say, and ends the session even if no answer comes. */
  close(): void;
}

const CLOSING_MS = 2_000;

export function openSession(
  call: SessionCall,
  hello: HelloInit,
  options: { signal?: AbortSignal; helloMs: number; diagnose: (fault: Fault) => Promise<Fault> },
): Session {
  const guard = new CallGuard(call, options.helloMs, options.signal);
  // The iteration tells of an error; without a listener an unread one would end the program.
  call.on('error', () => guard.rest());
  call.write({ hello });
  let closing: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function* messages(): AsyncGenerator<CoordinatorMessage> {
    let isGreeted = false;
    try {
      for await (const message of call as AsyncIterable<CoordinatorMessage>) {
        guard.rest();
        if (!isGreeted) {
          if (message.body !== 'welcome' || !message.welcome) throw new Fault('HANDSHAKE_MISSING');
          requireVersion(message.welcome);
          isGreeted = true;
        }
        // A body that this release does not know has no name.
        if (message.body) yield message;
      }
    } catch (error) {
      if (isClosed) return;
      throw await options.diagnose(guard.explain(error));
    } finally {
      clearTimeout(closing);
      guard.end();
    }
  }

  return {
    messages: messages(),
    send(message) {
      if (isClosed || guard.over.aborted || call.writableLength >= SESSION_BACKLOG_MAX) return false;
      call.write(message);
      return true;
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      call.end();
      closing = setTimeout(() => guard.end(), CLOSING_MS);
    },
  };
}
