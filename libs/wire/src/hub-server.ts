import { Server, type ServerOptions } from '@grpc/grpc-js';
import { spiffeId } from '@consilium/identity';
import { Fault, type SiteName } from '@consilium/stdx';
import { Connections } from './hub-connections.js';
import { HubTls, requireOwn, type TlsFiles } from './hub-credentials.js';
import { guardDoor } from './hub-door.js';
import type { HubHandlers, HubSession } from './hub-handlers.js';
import { Reception, type ReceptionTerms } from './hub-reception.js';
import { addServices } from './hub-services.js';
import { MESSAGE_BYTES_MAX } from './protocol.js';
import { http2ServersOf } from './windows.js';

export interface HubOptions extends TlsFiles, ReceptionTerms {
  readonly handlers: HubHandlers;
  readonly limits?: Partial<HubLimits>;
}

export interface HubLimits {
  /** How long a transfer may stand still. */
  readonly idleMs: number;
  /** How long a session may stay silent before its Hello. */
  readonly helloMs: number;
  readonly keepaliveMs: number;
  /** How long a TLS handshake may take. */
  readonly handshakeMs: number;
  /** How long a connection without a certificate may last. */
  readonly guestMs: number;
}

const LIMITS: HubLimits = {
  idleMs: 60_000,
  helloMs: 10_000,
  keepaliveMs: 10_000,
  handshakeMs: 10_000,
  guestMs: 60_000,
};
/** Calls on one connection at one time: a session, and room for transfers. */
const STREAMS_MAX = 32;
/** Sockets of all peers together, those in a handshake included. */
const SOCKETS_MAX = 2048;
/** How often running calls are looked at: a certificate that has expired ends them within this. */
const WATCH_MS = 1000;

/**
 * The coordinator's door: gRPC over TLS 1.3, open to the sites of one federation. Who calls is read from the certificate
 * at the start of each call and from nowhere else. Who shows no certificate may enrol and nothing more; who shows one
 * that does not verify may do nothing at all.
 */
export class HubServer {
  readonly #server: Server;
  readonly #tls: HubTls;
  #files: TlsFiles;
  readonly #options: HubOptions;
  readonly #sessions = new Set<HubSession>();
  readonly #reception: Reception;
  readonly #connections: Connections;
  #watch: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  /** Throws CERTIFICATE_INVALID unless certificate and key fit together and are the coordinator's of this federation. */
  constructor(options: HubOptions) {
    const limits = { ...LIMITS, ...options.limits };
    this.#options = options;
    this.#requireOwn(options);
    this.#files = options;
    this.#tls = new HubTls(limits.handshakeMs);
    this.#reception = new Reception(options);
    this.#connections = new Connections((certificate) => this.#reception.callerBy(certificate), limits.guestMs);
    this.#server = new Server(serverOptions(limits));
    addServices(this.#server, this.#reception, { ...limits, handlers: options.handlers, open: this.#sessions });
  }

  /** Starts to listen and answers the port. Throws PORT_IN_USE, or UNAVAILABLE for an address that is not ours. */
  async listen(host: string, port: number): Promise<number> {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const bound = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, this.#tls, (error, actual) => {
        if (!error) return resolve(actual);
        // grpc-js keeps only the text of the system's error.
        const code = /EADDRINUSE/.test(error.message) ? 'PORT_IN_USE' : 'UNAVAILABLE';
        reject(new Fault(code, { port }, error));
      });
    });
    for (const server of http2ServersOf(this.#server)) {
      server.maxConnections = SOCKETS_MAX;
      guardDoor(server, (fault) => this.#options.report?.({ method: 'handshake', fault }));
      this.#connections.watch(server);
    }
    // Not earlier: of several addresses the first already takes connections while the next is being bound.
    this.#tls.show(this.#files);
    this.#watch = setInterval(() => this.#endUnlawful(), WATCH_MS).unref();
    return bound;
  }

  /**
   * Shows this certificate in the handshakes that begin from now on. Open connections and what runs on them go on. Throws
   * CERTIFICATE_INVALID, and changes nothing then, unless it is the coordinator's of this federation.
   */
  replaceCertificate(files: TlsFiles): void {
    this.#requireOwn(files);
    this.#files = files;
    // Before it listens, the door stays shut.
    if (this.#watch) this.#tls.show(files);
  }

  /**
   * Ends what runs for a site, with this fault as its status, and cuts the site's connections a quarter of a second
   * later. Keeping it from coming back is the part of `authorise`: revoke first, then disconnect.
   */
  disconnect(site: SiteName, fault: Fault = new Fault('SITE_REVOKED')): void {
    this.#reception.end(site, fault);
    this.#connections.end((caller) => caller.site === site);
  }

  /** Ends all sessions, lets running transfers finish for `graceMs`, then cuts them off. */
  shutdown(graceMs: number): Promise<void> {
    clearInterval(this.#watch);
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

  #endUnlawful(): void {
    this.#reception.endUnlawful();
    this.#connections.end((caller) => this.#reception.objectionTo(caller) !== undefined);
  }

  #requireOwn(files: TlsFiles): void {
    requireOwn(files, spiffeId(this.#options.federation, { kind: 'coordinator' }));
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
