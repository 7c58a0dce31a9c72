import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Caller } from './hub-calls.js';
import { widenWindow } from './windows.js';

/** Connections of one site at one time: one as a rule, two while its certificate changes. */
const SITE_CONNECTIONS_MAX = 16;
/** Connections without a site's certificate. */
const GUESTS_MAX = 64;
/** How long the status that ends a call may take on its way before its connection is cut. */
const FLUSH_MS = 250;
/** How long a guest's last call may still run when its time is up. */
const GUEST_GRACE_MS = 10_000;

interface Connection {
  readonly session: ServerHttp2Session;
  /** Absent for a guest. */
  readonly caller: Caller | undefined;
}

/**
 * The connections that are open: those of sites, and those of guests, who may only enrol. Each kind has its bound, and
 * the oldest makes room, so that nobody can lock the others out by holding many.
 */
export class Connections {
  readonly #all = new Set<Connection>();

  constructor(
    private readonly name: (certificate: Uint8Array | undefined) => Caller | undefined,
    private readonly guestMs: number,
  ) {}

  /** Takes note of each connection that this server opens. */
  watch(server: Http2SecureServer): void {
    server.on('session', (session: ServerHttp2Session) => this.#admit(session));
  }

  /** Cuts each connection whose caller is to go, as soon as what was last said to it can have left. */
  end(isToGo: (caller: Caller) => boolean): void {
    for (const { session, caller } of this.#all) {
      if (caller && isToGo(caller)) cutAfter(session, FLUSH_MS);
    }
  }

  #admit(session: ServerHttp2Session): void {
    const caller = this.name((session.socket as TLSSocket).getPeerCertificate().raw);
    const connection = { session, caller };
    this.#makeRoom(caller);
    this.#all.add(connection);
    session.once('close', () => this.#all.delete(connection));
    if (caller) widenWindow(session, [...this.#all].filter((other) => other.caller).length);
    else this.#limit(session);
  }

  #makeRoom(caller: Caller | undefined): void {
    const alike = [...this.#all].filter((other) => other.caller?.site === caller?.site && !other.session.destroyed);
    if (alike.length >= (caller ? SITE_CONNECTIONS_MAX : GUESTS_MAX)) alike[0]!.session.destroy();
  }

  /** A guest enrols and leaves; it keeps HTTP/2's narrow window, and its stay has an end. */
  #limit(session: ServerHttp2Session): void {
    const leave = setTimeout(() => {
      session.close();
      cutAfter(session, GUEST_GRACE_MS);
    }, this.guestMs);
    leave.unref();
    session.once('close', () => clearTimeout(leave));
  }
}

function cutAfter(session: ServerHttp2Session, ms: number): void {
  const cut = setTimeout(() => session.destroy(), ms);
  cut.unref();
  session.once('close', () => clearTimeout(cut));
}
