import { connect, createSecureContext, type PeerCertificate, type SecureContext, type TLSSocket } from 'node:tls';
import { certificateFacts, peerOf } from '@consilium/identity';
import { Fault, type Code } from '@consilium/stdx';
import { contextOf, type TlsFiles } from './hub-credentials.js';

/** How a site knows its coordinator. */
export interface CoordinatorIdentity {
  readonly federation: string;
  /** SHA-256 of the coordinator's public key in hexadecimal digits; without it the certificate alone decides. */
  readonly coordinatorPin?: string;
}

/**
 * Decides whether a certificate, whose chain TLS has verified, is the coordinator's. Its host names do not matter: the
 * address says where the coordinator is, the SPIFFE id who it is.
 */
export const coordinatorCheck =
  ({ federation, coordinatorPin }: CoordinatorIdentity) =>
  (_host: string, certificate: PeerCertificate): Fault | undefined => {
    try {
      const peer = peerOf(certificate.raw, federation, Date.now());
      if (peer.kind !== 'coordinator') return new Fault('PEER_NOT_THE_COORDINATOR');
      const { publicKeyPin } = certificateFacts(certificate.raw);
      const pinned = coordinatorPin === undefined || coordinatorPin.toLowerCase() === publicKeyPin;
      return pinned ? undefined : new Fault('PEER_NOT_THE_COORDINATOR', { came: publicKeyPin });
    } catch (error) {
      return Fault.from(error);
    }
  };

/** One context for all connections; CERTIFICATE_INVALID where the files cannot be read or do not fit together. */
export function secureContextOf(files: TlsFiles): SecureContext {
  try {
    return createSecureContext(contextOf(files));
  } catch (error) {
    throw new Fault('CERTIFICATE_INVALID', {}, error);
  }
}

const PROBE_MS = 3_000;

/**
 * Finds out why the coordinator is UNAVAILABLE. grpc-js keeps only a text of what went wrong below it, so this makes one
 * more connection of its own, sends nothing over it, and reads the cause from the TLS handshake. Answers the more
 * telling Fault, or the given one where the probe learns nothing. Takes at most 3 s.
 */
export function diagnose(
  fault: Fault,
  target: { host: string; port: number; context: SecureContext; check: ReturnType<typeof coordinatorCheck> },
): Promise<Fault> {
  if (fault.code !== 'UNAVAILABLE') return Promise.resolve(fault);
  const { host, port, context, check } = target;
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({
      host,
      port,
      secureContext: context,
      checkServerIdentity: check,
      ALPNProtocols: ['h2'],
      timeout: PROBE_MS,
    });
    let shaken = false;
    const answer = (found: Fault): void => {
      socket.destroy();
      resolve(found);
    };
    socket.once('secureConnect', () => (shaken = true));
    // An HTTP/2 server speaks first: it has accepted our certificate, so the trouble was passing.
    socket.once('data', () => answer(fault));
    socket.once('timeout', () => answer(fault));
    socket.on('error', (error) => answer(reasonOf(error, shaken) ?? fault));
    // In TLS 1.3 a server judges the client's certificate after its own handshake is done.
    socket.once('close', () => answer(shaken ? new Fault('CERTIFICATE_REFUSED') : fault));
  });
}

/** What OpenSSL's verification says, in our words; see `man x509_verify_cert_error_string`. */
const REASONS: Readonly<Record<string, Code>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'PEER_CERTIFICATE_FOREIGN',
  SELF_SIGNED_CERT_IN_CHAIN: 'PEER_CERTIFICATE_FOREIGN',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'PEER_CERTIFICATE_FOREIGN',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'PEER_CERTIFICATE_FOREIGN',
  CERT_SIGNATURE_FAILURE: 'PEER_CERTIFICATE_FOREIGN',
  INVALID_PURPOSE: 'PEER_NOT_THE_COORDINATOR',
  CERT_HAS_EXPIRED: 'CERTIFICATE_INVALID',
  CERT_NOT_YET_VALID: 'CERTIFICATE_INVALID',
};

function reasonOf(error: Error, shaken: boolean): Fault | undefined {
  if (Fault.is(error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  const known = REASONS[code];
  if (known) return new Fault(known, {}, error);
  const refused = shaken || /ALERT_(CERTIFICATE|UNKNOWN_CA|BAD_CERTIFICATE)/.test(code);
  return refused ? new Fault('CERTIFICATE_REFUSED', {}, error) : undefined;
}
