import { constants } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { certificateFacts } from '@consilium/identity';
import { Fault } from '@consilium/stdx';

/** What one end of a connection shows and trusts, as PEM text. */
export interface TlsFiles {
  /** The federation's root: the only certificate that anybody trusts. */
  readonly ca: string;
  /** Our own certificate, and after it each intermediate up to the root, which the other side does not have. */
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * The coordinator's TLS 1.3. It asks for a certificate and lets in who has none, since a site that is not enrolled yet,
 * or whose certificate has lapsed, must still reach `Enrolment` on this same port. Who shows a certificate that does not
 * verify is turned away by {@link guardDoor} and nowhere else: never use these credentials without it.
 *
 * grpc-js' own `createSsl` would also take TLS 1.2, where the client certificate, and so the site's name, crosses the
 * network in clear.
 */
export class HubTls extends ServerCredentials {
  /** Without files at first, and then grpc-js drops whoever comes: the door is shut until {@link show}. */
  constructor(handshakeTimeout: number) {
    super({ requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3', handshakeTimeout });
  }

  /** Shows these files in the handshakes that begin from now on; open connections do not notice. */
  show(files: TlsFiles): void {
    this.updateSecureContextOptions(hubContextOf(files));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

export const contextOf = ({ ca, certificate, privateKey }: TlsFiles): SecureContextOptions => ({
  ca,
  cert: certificate,
  key: privateKey,
  minVersion: 'TLSv1.3',
});

/**
 * The coordinator also sends the root itself, which TLS leaves out as a rule (RFC 8446, 4.4.2): an agent that holds
 * nothing but the root's SHA-256 learns the root here. And it gives out no session tickets: a resumed session
 * (RFC 8446, 2.2) would bring back a certificate without the proof that its holder still has the key.
 */
export const hubContextOf = (files: TlsFiles): SecureContextOptions => ({
  ...contextOf(files),
  cert: `${files.certificate.trimEnd()}\n${files.ca}`,
  secureOptions: constants.SSL_OP_NO_TICKET,
});

/** Throws CERTIFICATE_INVALID unless the files are readable, fit together and carry this SPIFFE id. */
export function requireOwn(files: TlsFiles, expectedSpiffe: string): void {
  const { spiffe } = certificateFacts(files.certificate);
  if (spiffe !== expectedSpiffe) throw new Fault('CERTIFICATE_INVALID', { expected: expectedSpiffe, came: spiffe });
  try {
    createSecureContext(hubContextOf(files));
  } catch (error) {
    throw new Fault('CERTIFICATE_INVALID', {}, error);
  }
}
