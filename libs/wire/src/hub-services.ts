import type { Server } from '@grpc/grpc-js';
import type { SiteName } from '@consilium/stdx';
import type { AnyCall } from './hub-calls.js';
import { sendModel } from './hub-download.js';
import { EnrolmentDesk } from './hub-enrolment.js';
import type { HubHandlers, HubSession } from './hub-handlers.js';
import type { Method, Reception } from './hub-reception.js';
import { serveSession } from './hub-session.js';
import { receiveUpload, requireHeader } from './hub-upload.js';
import type { EnrolmentHandlers as EnrolmentService } from './generated/consilium/v1/Enrolment.js';
import type { ModelsHandlers } from './generated/consilium/v1/Models.js';
import type { RoundsHandlers } from './generated/consilium/v1/Rounds.js';
import type { SitesHandlers } from './generated/consilium/v1/Sites.js';
import type { UpdatesHandlers } from './generated/consilium/v1/Updates.js';
import { requireVersion } from './protocol.js';
import { services } from './services.js';
import { toStatus } from './status.js';

type Status = ReturnType<typeof toStatus>;
type Respond<T> = (error: Status | null, value?: T) => void;

/** Connects grpc-js' calls with the coordinator's handlers. Each goes by the reception first. */
export function addServices(
  server: Server,
  reception: Reception,
  context: { handlers: HubHandlers; open: Set<HubSession>; idleMs: number; helloMs: number },
): void {
  const { handlers, open, idleMs, helloMs } = context;

  /** Answers a call that has one response. */
  const answer = <T>(
    method: Method,
    call: AnyCall,
    respond: Respond<T>,
    work: (peer: SiteName, signal: AbortSignal) => Promise<T>,
  ): void => settle(reception.attempt(method, call, work), respond);

  /** Answers a call that is a stream towards the site. */
  const stream = (
    method: Method,
    call: AnyCall & { emit(event: 'error', status: Status): boolean },
    work: (peer: SiteName, signal: AbortSignal) => Promise<void>,
  ): void => void reception.attempt(method, call, work).catch((fault) => call.emit('error', toStatus(fault)));

  /** Answers a call that needs no certificate. */
  const enrol = <T>(method: Method, call: AnyCall, respond: Respond<T>, work: () => Promise<T>): void =>
    settle(reception.attemptAsGuest(method, call, work), respond);

  server.addService(services.sites, {
    Greet: (call, respond) =>
      answer('greet', call, respond, async (peer) => {
        requireVersion(call.request);
        return handlers.greet(peer, call.request);
      }),
  } satisfies SitesHandlers);

  server.addService(services.updates, {
    Query: (call, respond) =>
      answer('query', call, respond, async (peer) => handlers.query(peer, requireHeader(call.request))),
    Upload: (call, respond) =>
      answer('upload', call, respond, (peer, signal) => receiveUpload(call, { peer, handlers, signal, idleMs })),
  } satisfies UpdatesHandlers);

  server.addService(services.models, {
    Download: (call) => stream('download', call, (peer, signal) => sendModel(call, { peer, handlers, signal, idleMs })),
  } satisfies ModelsHandlers);

  server.addService(services.rounds, {
    Session: (call) =>
      stream('session', call, (peer, signal) => serveSession(call, { peer, handlers, signal, helloMs, open })),
  } satisfies RoundsHandlers);

  if (!handlers.enrolment) return;
  const desk = new EnrolmentDesk(handlers.enrolment);
  server.addService(services.enrolment, {
    Join: (call, respond) => enrol('join', call, respond, () => desk.join(call.request)),
    Collect: (call, respond) => enrol('collect', call, respond, () => desk.collect(call.request)),
    Renew: (call, respond) => enrol('renew', call, respond, () => desk.renew(call.request)),
    Rekey: (call, respond) => enrol('rekey', call, respond, () => desk.rekey(call.request)),
  } satisfies EnrolmentService);
}

/** Whatever `attempt` rejects with is a Fault. */
const settle = <T>(work: Promise<T>, respond: Respond<T>): void =>
  void work.then(
    (value) => respond(null, value),
    (fault) => respond(toStatus(fault)),
  );
