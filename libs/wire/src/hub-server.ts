import { createSecureContext, type TLSSocket } from 'node:tls';
import { Server, type ServerOptions } from '@grpc/grpc-js';
import { certificateFacts, peerOf, spiffeId } from '@consilium/identity';
import { Fault, type SiteName } from '@consilium/stdx';
import { contextOf, MutualTls, type TlsFiles } from './hub-credentials.js';
import type { HubHandlers, HubSession } from './hub-handlers.js';
import { sendModel } from './hub-download.js';
import { serveSession } from './hub-session.js';
import { receiveUpload, requireHeader } from './hub-upload.js';
import type { ModelsHandlers } from './generated/consilium/v1/Models.js';
import type { RoundsHandlers } from './generated/consilium/v1/Rounds.js';
import type { SitesHandlers } from './generated/consilium/v1/Sites.js';
import type { UpdatesHandlers } from './generated/consilium/v1/Updates.js';
import { MESSAGE_BYTES_MAX, requireVersion } from './protocol.js';
import { services } from './services.js';
import { toStatus } from './status.js';
import { http2ServersOf, widenWindows } from './windows.js';

export interface HubOptions extends TlsFiles {
  readonly federation: string;
  readonly handlers: HubHandlers;
  /** Told of each call that was refused or failed and each peer turned away in the TLS handshake; for the log. */
  readonly report?: (refusal: Refusal) => void;
  /** UTC milliseconds, to refuse certificates that expire while their connection lives. */
  readonly now?: () => number;
  readonly limits?: Partial<HubLimits>;
}

export interface Refusal {
  readonly method: Method | 'handshake';
  readonly fault: Fault;
  /** Absent where the peer could not be named. */
  readonly peer?: SiteName;
}

export interface HubLimits {
  /** How long a transfer may stand still. */
  readonly idleMs: number;
  /** How long a session may stay silent before its Hello. */
  readonly helloMs: number;
  readonly keepaliveMs: number;
}

type Method = 'greet' | 'session' | 'query' | 'upload' | 'download';

const LIMITS: HubLimits = { idleMs: 60_000, helloMs: 10_000, keepaliveMs: 10_000 };
/** Calls of one site at one time: a session, and room for transfers. */
const STREAMS_MAX = 32;

/**
 * The coordinator's door: gRPC over mutual TLS 1.3, open to the sites of one federation. Who calls is read from the
 * certificate at the start of each call and from nowhere else.
 */
export class HubServer {
  readonly #server: Server;
  readonly #options: HubOptions;
  readonly #limits: HubLimits;
  readonly #sessions = new Set<HubSession>();
  #stopping: Promise<void> | undefined;

  /** Throws CERTIFICATE_INVALID unless certificate and key fit together and are the coordinator's of this federation. */
  constructor(options: HubOptions) {
    requireOwn(options, spiffeId(options.federation, { kind: 'coordinator' }));
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#server = new Server(serverOptions(this.#limits));
    this.#serve();
  }

  /** Starts to listen and answers the port. Throws PORT_IN_USE, or UNAVAILABLE for an address that is not ours. */
  async listen(host: string, port: number): Promise<number> {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const bound = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, new MutualTls(this.#options), (error, actual) => {
        if (!error) return resolve(actual);
        // grpc-js keeps only the text of the system's error.
        const code = /EADDRINUSE/.test(error.message) ? 'PORT_IN_USE' : 'UNAVAILABLE';
        reject(new Fault(code, { port }, error));
      });
    });
    for (const server of http2ServersOf(this.#server)) {
      widenWindows(server);
      server.on('tlsClientError', (error: Error, socket: TLSSocket) => this.#reportHandshake(error, socket));
    }
    return bound;
  }

  /** Ends all sessions, lets running transfers finish for `graceMs`, then cuts them off. */
  shutdown(graceMs: number): Promise<void> {
    // Open sessions would hold `tryShutdown` for ever.
    for (const session of this.#sessions) session.close();
    this.#stopping ??= new Promise<void>((resolve) => {
      const cut = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(cut);
        resolve();
      });
    });
    return this.#stopping;
  }

  #serve(): void {
    const { handlers } = this.#options;
    const { idleMs, helloMs } = this.#limits;

    this.#server.addService(services.sites, {
      Greet: (call, respond) =>
        this.#answer('greet', call, respond, async (peer) => {
          requireVersion(call.request);
          return handlers.greet(peer, call.request);
        }),
    } satisfies SitesHandlers);

    this.#server.addService(services.updates, {
      Query: (call, respond) =>
        this.#answer('query', call, respond, async (peer) => handlers.query(peer, requireHeader(call.request))),
      Upload: (call, respond) => {
        const signal = overOf(call);
        this.#answer('upload', call, respond, (peer) => receiveUpload(call, { peer, handlers, signal, idleMs }));
      },
    } satisfies UpdatesHandlers);

    this.#server.addService(services.models, {
      Download: (call) => {
        const signal = overOf(call);
        this.#stream('download', call, (peer) => sendModel(call, { peer, handlers, signal, idleMs }));
      },
    } satisfies ModelsHandlers);

    this.#server.addService(services.rounds, {
      Session: (call) => {
        const signal = overOf(call);
        const open = this.#sessions;
        this.#stream('session', call, (peer) => serveSession(call, { peer, handlers, signal, helloMs, open }));
      },
    } satisfies RoundsHandlers);
  }

  /** Answers a call that has one response. */
  #answer<T>(
    method: Method,
    call: Authenticated,
    respond: (error: ReturnType<typeof toStatus> | null, value?: T) => void,
    work: (peer: SiteName) => Promise<T>,
  ): void {
    void this.#attempt(method, call, work).then(
      (value) => respond(null, value),
      (fault: Fault) => respond(toStatus(fault)),
    );
  }

  /** Answers a call that is a stream towards the site. */
  #stream(
    method: Method,
    call: Authenticated & { emit(event: 'error', status: ReturnType<typeof toStatus>): boolean },
    work: (peer: SiteName) => Promise<void>,
  ): void {
    void this.#attempt(method, call, work).catch((fault: Fault) => call.emit('error', toStatus(fault)));
  }

  /** Names the peer and does the work; whatever is thrown becomes a reported Fault, since grpc-js catches no promise. */
  async #attempt<T>(method: Method, call: Authenticated, work: (peer: SiteName) => Promise<T>): Promise<T> {
    let peer: SiteName | undefined;
    try {
      peer = this.#peerOf(call);
      return await work(peer);
    } catch (error) {
      const fault = Fault.from(error);
      this.#options.report?.({ method, fault, ...(peer && { peer }) });
      throw fault;
    }
  }

  #peerOf(call: Authenticated): SiteName {
    const certificate = call.getAuthContext().sslPeerCertificate?.raw;
    if (!certificate) throw new Fault('PEER_CERTIFICATE_MISSING');
    const peer = peerOf(certificate, this.#options.federation, (this.#options.now ?? Date.now)());
    if (peer.kind !== 'site') throw new Fault('PEER_NOT_A_SITE');
    return peer.name;
  }

  #reportHandshake(error: Error, socket: TLSSocket): void {
    const missing = 'code' in error && error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE';
    // Node destroys the socket of a peer whose certificate it refuses, and leaves the reason there.
    const foreign = Boolean(socket.authorizationError);
    const code = missing ? 'PEER_CERTIFICATE_MISSING' : foreign ? 'PEER_CERTIFICATE_FOREIGN' : 'MESSAGE_MALFORMED';
    this.#options.report?.({ method: 'handshake', fault: new Fault(code, {}, socket.authorizationError ?? error) });
  }
}

interface Authenticated {
  getAuthContext(): { sslPeerCertificate?: { raw?: Uint8Array } };
}

/** Aborts when the call is over: answered, cancelled, or its connection lost. */
function overOf(call: { once(event: 'cancelled' | 'close', listener: () => void): unknown }): AbortSignal {
  const over = new AbortController();
  call.once('cancelled', () => over.abort());
  call.once('close', () => over.abort());
  return over.signal;
}

/** Throws CERTIFICATE_INVALID unless the files are readable, fit together and carry this SPIFFE id. */
export function requireOwn(files: TlsFiles, expectedSpiffe: string): void {
  const { spiffe } = certificateFacts(files.certificate);
  if (spiffe !== expectedSpiffe) throw new Fault('CERTIFICATE_INVALID', { expected: expectedSpiffe, came: spiffe });
  try {
    createSecureContext(contextOf(files));
  } catch (error) {
    throw new Fault('CERTIFICATE_INVALID', {}, error);
  }
}

const serverOptions = (limits: HubLimits): ServerOptions => ({
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_concurrent_streams': STREAMS_MAX,
  // A connection that died silently is noticed within two of these.
  'grpc.keepalive_time_ms': limits.keepaliveMs,
  'grpc.keepalive_timeout_ms': limits.keepaliveMs,
  'grpc.keepalive_permit_without_calls': 1,
  // Weights do not compress; 0 is `identity`.
  'grpc.default_compression_algorithm': 0,
  'grpc.enable_channelz': 0,
});
