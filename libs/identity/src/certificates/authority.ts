import { federationOf, requireSignedBy, validity, type Issued } from './issued.js';
import { leafExtensions } from './leaf.js';
import { authorityExtensions } from './root.js';
import type { Subject } from './spiffe.js';
import {
  ALGORITHM,
  newKeys,
  newSerial,
  readCertificate,
  readPrivateKey,
  writeCertificate,
  writePrivateKey,
  x509,
} from './x509.js';

const DAY_MS = 86_400_000;

/** A root that signs leaves itself: what federations had before they enrolled their sites. Use `createRoot`. */
export async function createAuthority(terms: { federation: string; now: number; days: number }): Promise<Issued> {
  const { federation } = terms;
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [`${federation} authority`] }],
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(terms.now, terms.days * DAY_MS),
    extensions: await authorityExtensions(federation, keys.publicKey, 0),
  });
  return { certificatePem: writeCertificate(certificate), privateKeyPem: await writePrivateKey(keys.privateKey) };
}

/** A key and a leaf from such an authority. Use `newRequest` and `issueLeaf`, or `issueServerLeaf`. */
export async function issueCertificate(terms: {
  authority: Issued;
  subject: Subject;
  hosts?: readonly string[];
  now: number;
  days: number;
}): Promise<Issued> {
  const { subject, hosts = [] } = terms;
  const authority = readCertificate(terms.authority.certificatePem);
  const federation = federationOf(authority);
  const keys = await newKeys();
  const publicKey = new Uint8Array(await globalThis.crypto.subtle.exportKey('spki', keys.publicKey));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [subject.kind === 'site' ? subject.name : 'coordinator'] }],
    issuer: authority.subjectName,
    publicKey: keys.publicKey,
    signingKey: await readPrivateKey(terms.authority.privateKeyPem),
    signingAlgorithm: ALGORITHM,
    ...validity(terms.now, terms.days * DAY_MS, authority),
    extensions: await leafExtensions(federation, subject, hosts, publicKey, authority),
  });
  await requireSignedBy(certificate, authority);
  return { certificatePem: writeCertificate(certificate), privateKeyPem: await writePrivateKey(keys.privateKey) };
}
