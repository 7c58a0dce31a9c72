import { createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import { certificateFacts, peerOf } from '@consilium/identity';
import { Fault } from '@consilium/stdx';
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
