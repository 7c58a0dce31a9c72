import { Fault } from '@consilium/stdx';
import { p256Point, verifyP256 } from '../keys/p256.js';
import { signedDer } from './der.js';
import { federationOf } from './issued.js';
import { peerOf } from './peer.js';
import { readCertificate, x509 } from './x509.js';

const CHAIN_CHARACTERS_MAX = 32_768;
/** Critical extensions that the checks below read; another one is a condition that nobody here would keep. */
const UNDERSTOOD = new Set(['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.37']);

/**
 * Verifies a peer's chain, exactly its leaf and one intermediate (PEM), up to the root (PEM) at a time (UTC
 * milliseconds), and gives the leaf (DER) for `peerOf`. It is path validation of RFC 5280, 6.1 for the one form of
 * chain that we issue: names and signatures link up, each is valid at the time, the authorities are authorities of
 * one federation within their path lengths, and the leaf is an X509-SVID of it.
 *
 * Faults: CERTIFICATE_INVALID, PEER_CERTIFICATE_FOREIGN, and those of `peerOf`. Revocation is the roster's.
 */
export function verifyChain(given: { chainPem: string; rootPem: string; now: number }): Uint8Array {
  const [root, ...moreRoots] = certificatesOf(given.rootPem);
  const [leaf, intermediate, ...more] = certificatesOf(given.chainPem);
  if (!root || moreRoots.length > 0) throw new Fault('CERTIFICATE_INVALID', { expected: 'one root' });
  if (!leaf || !intermediate || more.length > 0) {
    throw new Fault('CERTIFICATE_INVALID', { expected: 'a leaf and its intermediate' });
  }
  const federation = federationOf(root);
  requireAuthority(root, federation, 1);
  requireAuthority(intermediate, federation, 0);
  requireLink(root, root, given.now);
  requireLink(intermediate, root, given.now);
  requireLink(leaf, intermediate, given.now);
  const der = new Uint8Array(leaf.rawData);
  peerOf(der, federation, given.now);
  return der;
}

/** The certificates of a PEM text that holds nothing else. */
function certificatesOf(pem: string): readonly x509.X509Certificate[] {
  if (pem.length > CHAIN_CHARACTERS_MAX) {
    throw new Fault('CERTIFICATE_INVALID', { charactersMax: CHAIN_CHARACTERS_MAX });
  }
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  const rest = blocks.reduce((text, block) => text.replace(block, ''), pem);
  if (rest.trim() !== '') throw new Fault('CERTIFICATE_INVALID', { expected: 'certificates and nothing else' });
  return blocks.map(readCertificate);
}

function requireAuthority(certificate: x509.X509Certificate, federation: string, pathLength: 0 | 1): void {
  if (federationOf(certificate) !== federation) throw new Fault('PEER_CERTIFICATE_FOREIGN');
  const allowed = certificate.getExtension(x509.BasicConstraintsExtension)?.pathLength;
  const usages = certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? 0;
  if (allowed !== pathLength || (usages & x509.KeyUsageFlags.keyCertSign) === 0) {
    throw new Fault('CERTIFICATE_INVALID', { expected: 'an authority', expectedPathLength: pathLength });
  }
}

/** Refuses a certificate that its issuer has not signed, that is not valid now, or that sets conditions unknown here. */
function requireLink(certificate: x509.X509Certificate, issuer: x509.X509Certificate, now: number): void {
  if (now < certificate.notBefore.getTime() || now > certificate.notAfter.getTime()) {
    throw new Fault('CERTIFICATE_INVALID', { notAfterMs: certificate.notAfter.getTime() });
  }
  if (certificate.extensions.some(({ critical, type }) => critical && !UNDERSTOOD.has(type))) {
    throw new Fault('CERTIFICATE_INVALID', { expected: 'no unknown critical extension' });
  }
  const { signed, signature } = signedDer(new Uint8Array(certificate.rawData), 'CERTIFICATE_INVALID');
  const point = p256Point(new Uint8Array(issuer.publicKey.rawData), 'CERTIFICATE_INVALID');
  // A certificate may be signed with either S (RFC 3279 knows no low S): the log names its key, never its bytes.
  if (certificate.issuer !== issuer.subject || !verifyP256(point, signed, signature, { lowS: false })) {
    throw new Fault('PEER_CERTIFICATE_FOREIGN');
  }
}
