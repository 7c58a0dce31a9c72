import { readIssuer, requireSignedBy, validity, type Issued } from './issued.js';
import { trustDomain } from './spiffe.js';
import { ALGORITHM, newKeys, newSerial, readPrivateKey, writeCertificate, writePrivateKey, x509 } from './x509.js';

const DAY_MS = 86_400_000;

/**
 * Makes a federation's root: a self-signed P-256 certificate with the federation as its SPIFFE trust domain, which may
 * sign intermediates that sign leaves (path length 1). It is used offline, and it is all that anybody has to trust.
 * `now` is UTC milliseconds. REQUEST_INVALID for a name that no federation can have.
 */
export async function createRoot(terms: { federation: string; now: number; days: number }): Promise<Issued> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [`${terms.federation} root`] }],
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(terms.now, terms.days * DAY_MS),
    extensions: await authorityExtensions(terms.federation, keys.publicKey, 1),
  });
  return { certificatePem: writeCertificate(certificate), privateKeyPem: await writePrivateKey(keys.privateKey) };
}

/**
 * Makes the intermediate that the coordinator holds: signed by the root, for leaves only (path length 0). Whoever steals
 * it can admit nobody, since the roster is signed by the root; a new one replaces it without a change at any site.
 *
 * Faults: CERTIFICATE_INVALID where the root is not this federation's, has expired, or is not the key's.
 */
export async function createIntermediate(terms: {
  root: Issued;
  federation: string;
  now: number;
  days: number;
}): Promise<Issued> {
  const root = readIssuer(terms.root, terms.federation, 1);
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [`${terms.federation} intermediate`] }],
    issuer: root.subjectName,
    publicKey: keys.publicKey,
    signingKey: await readPrivateKey(terms.root.privateKeyPem),
    signingAlgorithm: ALGORITHM,
    ...validity(terms.now, terms.days * DAY_MS, root),
    extensions: [
      ...(await authorityExtensions(terms.federation, keys.publicKey, 0)),
      await x509.AuthorityKeyIdentifierExtension.create(root),
    ],
  });
  await requireSignedBy(certificate, root);
  return { certificatePem: writeCertificate(certificate), privateKeyPem: await writePrivateKey(keys.privateKey) };
}

/** What makes a certificate an authority's: the right to sign, above so many authorities more, for one federation. */
export async function authorityExtensions(
  federation: string,
  publicKey: CryptoKey,
  pathLength: 0 | 1,
): Promise<x509.Extension[]> {
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    new x509.SubjectAlternativeNameExtension([{ type: 'url', value: trustDomain(federation) }]),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ];
}
