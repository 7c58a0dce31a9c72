import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import { callerBy, RunningCalls, type AnyCall, type Caller } from './hub-calls.js';

export type Method = 'greet' | 'session' | 'query' | 'upload' | 'download' | 'join' | 'collect' | 'renew' | 'rekey';

/** A call that was refused or failed, or a peer that was turned away in the TLS handshake. */
export interface Refusal {
  readonly method: Method | 'handshake';
  readonly fault: Fault;
  /** Absent where the peer could not be named. */
  readonly peer?: SiteName;
}

export interface ReceptionTerms {
  readonly federation: string;
  /** Told of each refusal; for the log. */
  readonly report?: (refusal: Refusal) => void;
  /**
   * Throws unless this site may call with this key (SHA-256 of its SubjectPublicKeyInfo): SITE_REVOKED, or
   * PEER_CERTIFICATE_FOREIGN for a certificate that this coordinator never issued. Asked at each call, and every second
   * while one runs.
   */
  readonly authorise?: (site: SiteName, spki: Digest) => void;
  /** UTC milliseconds, to refuse certificates that expire while their connection lives. */
  readonly now?: () => number;
}

/** Decides for each call who makes it and whether it may be made, and goes on deciding while it runs. */
export class Reception {
  readonly #running = new RunningCalls();

  constructor(private readonly terms: ReceptionTerms) {}

  /** Does the work of a call that only a site may make; whatever is thrown becomes a reported Fault. */
  attempt<T>(method: Method, call: AnyCall, work: (peer: SiteName, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#reported(method, async (told) => {
      const caller = this.#callerOf(call);
      told(caller.site);
      return this.#running.run(call, caller, (signal) => work(caller.site, signal));
    });
  }

  /**
   * Does the work of a call that needs no certificate. One that was shown all the same must be good: whoever pretends to
   * be somebody is not dealt with as nobody.
   */
  attemptAsGuest<T>(method: Method, call: AnyCall, work: () => Promise<T>): Promise<T> {
    return this.#reported(method, async (told) => {
      if (certificateOf(call)) told(this.#callerOf(call).site);
      return work();
    });
  }

  /** The site that a connection's certificate names; undefined where it may make none of a site's calls. */
  callerBy(certificate: Uint8Array | undefined): Caller | undefined {
    try {
      return callerBy(certificate, this.terms.federation, this.#now());
    } catch {
      return undefined; // each call on that connection tells why
    }
  }

  /** Ends what runs for a site, with this fault. */
  end(site: SiteName, fault: Fault): void {
    this.#running.end((caller) => (caller.site === site ? fault : undefined));
  }

  /** Ends what has become unlawful since it began. */
  endUnlawful(): void {
    this.#running.end((caller) => this.objectionTo(caller));
  }

  /** Why this caller may not call, if it may not. */
  objectionTo({ site, spki, notAfter }: Caller): Fault | undefined {
    if (this.#now() > notAfter) return new Fault('CERTIFICATE_INVALID', { notAfterMs: notAfter });
    try {
      this.terms.authorise?.(site, spki);
      return undefined;
    } catch (error) {
      return Fault.from(error);
    }
  }

  /** grpc-js catches nothing that a promise throws. */
  async #reported<T>(method: Method, work: (told: (peer: SiteName) => void) => Promise<T>): Promise<T> {
    let peer: SiteName | undefined;
    try {
      return await work((site) => (peer = site));
    } catch (error) {
      const fault = Fault.from(error);
      this.terms.report?.({ method, fault, ...(peer && { peer }) });
      throw fault;
    }
  }

  #callerOf(call: AnyCall): Caller {
    const caller = callerBy(certificateOf(call), this.terms.federation, this.#now());
    const objection = this.objectionTo(caller);
    if (objection) throw objection;
    return caller;
  }

  #now(): number {
    return (this.terms.now ?? Date.now)();
  }
}

/** The certificate that the caller's connection has shown and TLS has verified. */
const certificateOf = (call: AnyCall): Uint8Array | undefined => call.getAuthContext().sslPeerCertificate?.raw;
