import { digestOf, Fault, type Digest } from '@consilium/stdx';
import { subjectOf, type Subject } from './spiffe.js';
import { readCertificate, urisOf, x509 } from './x509.js';

/** Who is at the other end, as its certificate says. */
export type Peer = Subject;

/**
 * Reads who a peer is from its certificate (DER), and holds the certificate to the rules of an X509-SVID (SPIFFE
 * X509-SVID 3 to 5): one URI, no CA, a key for signatures only, and the one purpose of its kind.
 *
 * Assumption: TLS has already verified the chain to the federation's authority and the possession of the key. The
 * validity is checked again if `now` (UTC milliseconds) is given, since a connection may outlive its certificate.
 *
 * Faults: PEER_CERTIFICATE_FOREIGN (another federation), PEER_NOT_A_SITE or PEER_NOT_THE_COORDINATOR (the name of one
 * with the purpose of another), CERTIFICATE_INVALID (anything else).
 */
export function peerOf(certificateDer: Uint8Array, federation: string, now?: number): Peer {
  const certificate = readCertificate(certificateDer);
  const subject = subjectOf(soleUri(certificate), federation);
  requireLeaf(certificate);
  requirePurpose(certificate, subject);
  if (now !== undefined && (now < certificate.notBefore.getTime() || now > certificate.notAfter.getTime())) {
    throw new Fault('CERTIFICATE_INVALID', { notAfterMs: certificate.notAfter.getTime() });
  }
  return subject;
}

/** What an administrator compares: nothing secret, and nothing that needs the key. */
export interface CertificateFacts {
  readonly spiffe: string;
  /** UTC milliseconds; the certificate is good up to and including it. */
  readonly notAfter: number;
  /** SHA-256 of the whole certificate (DER). */
  readonly fingerprint: Digest;
  /** SHA-256 of the public key alone (SubjectPublicKeyInfo): stays when a certificate is renewed with the same key. */
  readonly publicKeyPin: Digest;
}

/** The facts of a certificate as PEM text or DER bytes, an authority's too. CERTIFICATE_INVALID if it cannot be read. */
export function certificateFacts(encoded: string | Uint8Array): CertificateFacts {
  const certificate = readCertificate(encoded);
  return {
    spiffe: soleUri(certificate),
    notAfter: certificate.notAfter.getTime(),
    fingerprint: digestOf(new Uint8Array(certificate.rawData)),
    publicKeyPin: digestOf(new Uint8Array(certificate.publicKey.rawData)),
  };
}

function soleUri(certificate: x509.X509Certificate): string {
  const uris = urisOf(certificate);
  if (uris.length !== 1) throw new Fault('CERTIFICATE_INVALID', { expectedUris: 1, cameUris: uris.length });
  return uris[0]!;
}

function requireLeaf(certificate: x509.X509Certificate): void {
  const usages = certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? 0;
  const signsCertificates = (usages & (x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign)) !== 0;
  const signs = (usages & x509.KeyUsageFlags.digitalSignature) !== 0;
  if (certificate.getExtension(x509.BasicConstraintsExtension)?.ca !== false || signsCertificates || !signs) {
    throw new Fault('CERTIFICATE_INVALID', { expected: 'a leaf certificate' });
  }
}

function requirePurpose(certificate: x509.X509Certificate, subject: Subject): void {
  const usages = certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [];
  const expected: string =
    subject.kind === 'site' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  if (usages.length === 1 && usages[0] === expected) return;
  throw new Fault(subject.kind === 'site' ? 'PEER_NOT_A_SITE' : 'PEER_NOT_THE_COORDINATOR', {
    purposes: usages.length,
  });
}
