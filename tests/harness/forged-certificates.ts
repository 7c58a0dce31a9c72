import type { Issued } from '@consilium/identity';
import {
  ALGORITHM,
  newKeys,
  newSerial,
  readCertificate,
  readPrivateKey,
  writeCertificate,
  writePrivateKey,
  x509,
} from '../../libs/identity/src/certificates/x509.js';

const HOUR_MS = 3_600_000;

/** What is wrong with a certificate that is lawful in everything else. */
export interface Flaw {
  readonly uris?: readonly string[];
  readonly isAuthority?: boolean;
  /** Extended key usages: `clientAuth` alone is lawful. */
  readonly purposes?: readonly ('clientAuth' | 'serverAuth')[];
  /** Hours from now. */
  readonly from?: number;
  readonly until?: number;
}

/** A site's leaf such as `issueLeaf` never makes and an attacker might, signed by an issuer or, without one, by itself. */
export async function forgedLeaf(issuer: Issued | undefined, flaw: Flaw = {}): Promise<Issued> {
  const { uris = ['spiffe://demo/site/berlin'], isAuthority = false, purposes = ['clientAuth'] } = flaw;
  const { from = -1, until = 24 } = flaw;
  const keys = await newKeys();
  const name = 'CN=berlin';
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: name,
    issuer: issuer ? readCertificate(issuer.certificatePem).subjectName : name,
    publicKey: keys.publicKey,
    signingKey: issuer ? await readPrivateKey(issuer.privateKeyPem) : keys.privateKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() + from * HOUR_MS),
    notAfter: new Date(Date.now() + until * HOUR_MS),
    extensions: [
      new x509.BasicConstraintsExtension(isAuthority, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...(purposes.length
        ? [new x509.ExtendedKeyUsageExtension(purposes.map((purpose) => x509.ExtendedKeyUsage[purpose]))]
        : []),
      ...(uris.length
        ? [new x509.SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url' as const, value })))]
        : []),
    ],
  });
  return { certificatePem: writeCertificate(certificate), privateKeyPem: await writePrivateKey(keys.privateKey) };
}
