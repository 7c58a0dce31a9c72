import { Fault } from '@consilium/stdx';
import { readCertificate, urisOf, x509 } from './x509.js';

/** A certificate and its private key, each as PEM text. The key belongs in a file of mode 600 and nowhere else. */
export interface Issued {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Certificates begin a little before they are made, since hospital clocks differ. */
const BACKDATED_MS = 5 * 60_000;

/**
 * From when until when a certificate is good that is made at `now` (UTC milliseconds) for `ms`, within the life of its
 * issuer. X.509 counts whole seconds. CERTIFICATE_INVALID where the issuer has expired or has not begun.
 */
export function validity(now: number, ms: number, issuer?: x509.X509Certificate): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now / 1000) * 1000;
  const first = Math.max(second - BACKDATED_MS, issuer?.notBefore.getTime() ?? 0);
  const last = Math.min(second + ms, issuer?.notAfter.getTime() ?? Infinity);
  if (last <= now || first > now) throw new Fault('CERTIFICATE_INVALID', { expected: 'an issuer that is valid now' });
  return { notBefore: new Date(first), notAfter: new Date(last) };
}

/** The federation whose certificates an authority signs. CERTIFICATE_INVALID for a leaf and for no SPIFFE id. */
export function federationOf(authority: x509.X509Certificate): string {
  const [uri, ...more] = urisOf(authority);
  const isAuthority = authority.getExtension(x509.BasicConstraintsExtension)?.ca === true;
  if (!isAuthority || !uri?.startsWith('spiffe://') || more.length > 0) {
    throw new Fault('CERTIFICATE_INVALID', { expected: 'the authority of a federation' });
  }
  return uri.slice('spiffe://'.length);
}

/** An issuer's certificate, if it is an authority of this federation that may stand above `below` more authorities. */
export function readIssuer({ certificatePem }: Issued, federation: string, below: 0 | 1): x509.X509Certificate {
  const issuer = readCertificate(certificatePem);
  const own = federationOf(issuer);
  const pathLength = issuer.getExtension(x509.BasicConstraintsExtension)?.pathLength;
  if (own !== federation || pathLength !== below) {
    throw new Fault('CERTIFICATE_INVALID', { expected: below === 0 ? 'the intermediate' : 'the root' });
  }
  return issuer;
}

/** Refuses a certificate that another key has signed than the issuer's certificate names. */
export async function requireSignedBy(certificate: x509.X509Certificate, issuer: x509.X509Certificate): Promise<void> {
  if (!(await certificate.verify({ publicKey: issuer, signatureOnly: true }))) {
    throw new Fault('CERTIFICATE_INVALID', { expected: 'the key of the authority' });
  }
}
