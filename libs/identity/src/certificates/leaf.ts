import { digestOf, type Digest } from '@consilium/stdx';
import { readIssuer, requireSignedBy, validity, type Issued } from './issued.js';
import { readRequest } from './request.js';
import { spiffeId, type Subject } from './spiffe.js';
import { ALGORITHM, newKeys, newSerial, readPrivateKey, writeCertificate, writePrivateKey, x509 } from './x509.js';

const HOUR_MS = 3_600_000;
/** A leaf lives for a day: what is stolen is soon worth nothing. */
export const LEAF_HOURS = 24;

/** What the built-in authority issues a leaf from and for. */
export interface LeafTerms {
  readonly intermediate: Issued;
  readonly federation: string;
  /** Whom the caller has found the asker to be; a request cannot say it. */
  readonly subject: Subject;
  /** DNS names and IP addresses of the coordinator, for tools that look at them; our agents look at the SPIFFE id. */
  readonly hosts?: readonly string[];
  /** UTC milliseconds. */
  readonly now: number;
  readonly hours?: number;
}

export interface Leaf {
  /** The leaf alone. */
  readonly certificatePem: string;
  /** The leaf and its intermediate, as a TLS peer shows them. */
  readonly chainPem: string;
  /** SHA-256 of the public key (SubjectPublicKeyInfo), as `cert.issued` names it in the log. */
  readonly spki: Digest;
  /** UTC milliseconds; the certificate is good up to and including it. */
  readonly notAfter: number;
}

/**
 * Issues the leaf for a request (DER), in the form of a SPIFFE X509-SVID: one URI, no authority, one purpose. It ends
 * with its intermediate if that ends sooner.
 *
 * Faults: CSR_INVALID (see `readRequest`), CERTIFICATE_INVALID where the intermediate is none of this federation, has
 * expired, or is not the key's.
 */
export async function issueLeaf(terms: LeafTerms & { readonly csr: Uint8Array }): Promise<Leaf> {
  return signLeaf(terms, readRequest(terms.csr).publicKey);
}

/** Issues a leaf with a key of its own: the coordinator's, which needs to ask nobody. */
export async function issueServerLeaf(terms: LeafTerms): Promise<Leaf & { readonly privateKeyPem: string }> {
  const keys = await newKeys();
  const publicKey = new Uint8Array(await globalThis.crypto.subtle.exportKey('spki', keys.publicKey));
  return { ...(await signLeaf(terms, publicKey)), privateKeyPem: await writePrivateKey(keys.privateKey) };
}

async function signLeaf(terms: LeafTerms, publicKey: Uint8Array): Promise<Leaf> {
  const { intermediate, federation, subject, hosts = [], now, hours = LEAF_HOURS } = terms;
  const issuer = readIssuer(intermediate, federation, 0);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [subject.kind === 'site' ? subject.name : 'coordinator'] }],
    issuer: issuer.subjectName,
    publicKey: publicKey.slice(),
    signingKey: await readPrivateKey(intermediate.privateKeyPem),
    signingAlgorithm: ALGORITHM,
    ...validity(now, hours * HOUR_MS, issuer),
    extensions: await leafExtensions(federation, subject, hosts, publicKey, issuer),
  });
  await requireSignedBy(certificate, issuer);
  const certificatePem = writeCertificate(certificate);
  return {
    certificatePem,
    chainPem: certificatePem + intermediate.certificatePem,
    spki: digestOf(publicKey),
    notAfter: certificate.notAfter.getTime(),
  };
}

/** What makes a certificate a peer's: one SPIFFE URI, one purpose, and nothing to sign with but its connections. */
export async function leafExtensions(
  federation: string,
  subject: Subject,
  hosts: readonly string[],
  publicKey: Uint8Array,
  issuer: x509.X509Certificate,
): Promise<x509.Extension[]> {
  const purpose = subject.kind === 'site' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([purpose]),
    new x509.SubjectAlternativeNameExtension([
      { type: 'url', value: spiffeId(federation, subject) },
      ...hosts.map(hostName),
    ]),
    await x509.SubjectKeyIdentifierExtension.create(publicKey.slice()),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
  ];
}

const hostName = (host: string): { type: 'ip' | 'dns'; value: string } => ({
  type: host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host) ? 'ip' : 'dns',
  value: host,
});
