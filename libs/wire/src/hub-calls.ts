import { certificateFacts, peerOf } from '@consilium/identity';
import { Fault, type Digest, type SiteName } from '@consilium/stdx';

/** Who calls, as the certificate of its connection says. */
export interface Caller {
  readonly site: SiteName;
  /** SHA-256 of the certificate's public key (SubjectPublicKeyInfo). */
  readonly spki: Digest;
  /** UTC milliseconds; the certificate is good up to and including it. */
  readonly notAfter: number;
}

/** What grpc-js has in common for the calls of all kinds. */
export interface AnyCall {
  getAuthContext(): { sslPeerCertificate?: { raw?: Uint8Array } };
  once(event: 'cancelled' | 'close', listener: () => void): unknown;
}

/**
 * Names the caller by a certificate (DER) that TLS has verified. Faults: PEER_CERTIFICATE_MISSING where there is none,
 * PEER_NOT_A_SITE, and those of `peerOf`.
 */
export function callerBy(certificate: Uint8Array | undefined, federation: string, now: number): Caller {
  if (!certificate) throw new Fault('PEER_CERTIFICATE_MISSING');
  const peer = peerOf(certificate, federation, now);
  if (peer.kind !== 'site') throw new Fault('PEER_NOT_A_SITE');
  const { publicKeyPin, notAfter } = certificateFacts(certificate);
  return { site: peer.name, spki: publicKeyPin, notAfter };
}

/** The calls that are being served, so that they can be ended before their time. */
export class RunningCalls {
  readonly #all = new Set<{ readonly caller: Caller; end(fault: Fault): void }>();

  /**
   * Does a call's work. Its signal aborts when the call is over: answered, cancelled, its connection lost, or ended by
   * {@link end}, and then this rejects with that fault at once, whatever the work does.
   */
  async run<T>(call: AnyCall, caller: Caller, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const over = new AbortController();
    call.once('cancelled', () => over.abort());
    call.once('close', () => over.abort());
    let cut: (fault: Fault) => void = () => {};
    const isCut = new Promise<never>((_, reject) => (cut = reject));
    const running = {
      caller,
      end: (fault: Fault): void => {
        cut(fault);
        over.abort();
      },
    };
    this.#all.add(running);
    try {
      return await Promise.race([work(over.signal), isCut]);
    } finally {
      this.#all.delete(running);
    }
  }

  /** Ends each call for whose caller there is a fault. */
  end(faultFor: (caller: Caller) => Fault | undefined): void {
    for (const running of this.#all) {
      const fault = faultFor(running.caller);
      if (fault) running.end(fault);
    }
  }
}
