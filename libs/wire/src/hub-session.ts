import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Fault, type SiteName } from '@consilium/stdx';
import { CallReader } from './call-reader.js';
import { within } from './flow.js';
import { SESSION_BACKLOG_MAX, type HubHandlers, type HubSession } from './hub-handlers.js';
import type { CoordinatorMessageInit, Hello, SiteMessage } from './messages.js';
import { requireVersion } from './protocol.js';
import { toStatus } from './status.js';

type SessionCall = ServerDuplexStream<SiteMessage, CoordinatorMessageInit>;

/** Greets the site and serves its session until either side ends it. */
export async function serveSession(
  call: SessionCall,
  context: { peer: SiteName; handlers: HubHandlers; signal: AbortSignal; helloMs: number; open: Set<HubSession> },
): Promise<void> {
  const { peer, handlers, signal, open } = context;
  const incoming = new CallReader<SiteMessage>(call, signal);
  const first = await within(incoming.next(), context.helloMs);
  if (!first?.hello) throw new Fault('HANDSHAKE_MISSING');
  const { hello } = first;
  requireVersion(hello);
  call.write({ welcome: await handlers.greet(peer, hello) });

  const session = new SiteSession(call, hello, incoming, signal);
  open.add(session);
  try {
    await handlers.session(peer, session);
  } finally {
    open.delete(session);
  }
  session.close();
}

class SiteSession implements HubSession {
  readonly messages: AsyncIterable<SiteMessage>;
  readonly #over = new AbortController();
  readonly signal = this.#over.signal;

  constructor(
    private readonly call: SessionCall,
    readonly hello: Hello,
    private readonly incoming: CallReader<SiteMessage>,
    lost: AbortSignal,
  ) {
    this.messages = untilOver(incoming, this.signal);
    lost.addEventListener('abort', () => this.#over.abort());
    if (lost.aborted) this.#over.abort();
  }

  send(message: CoordinatorMessageInit): boolean {
    if (this.signal.aborted) return false;
    if (this.call.writableLength >= SESSION_BACKLOG_MAX) {
      this.close(new Fault('OVERLOADED', { waiting: this.call.writableLength }));
      return false;
    }
    this.call.write(message);
    return true;
  }

  close(fault?: Fault): void {
    if (this.signal.aborted) return;
    this.#over.abort();
    // The status may never leave if the site does not read; our own handler must not wait for that.
    this.incoming.stop();
    // grpc-js turns this event into the call's status, after what was written before.
    if (fault) this.call.emit('error', toStatus(fault));
    else this.call.end();
  }
}

/** The messages until the call is over. A lost connection is an ordinary end: the site will come again. */
async function* untilOver(incoming: CallReader<SiteMessage>, over: AbortSignal): AsyncGenerator<SiteMessage> {
  for (;;) {
    const message = await incoming.next();
    if (!message || over.aborted) return;
    // A body that this release does not know has no name.
    if (message.body) yield message;
  }
}
