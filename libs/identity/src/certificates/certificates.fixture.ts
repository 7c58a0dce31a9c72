import { siteName } from '@consilium/stdx';
import { createAuthority, type Issued } from './index.js';
import { ALGORITHM, newKeys, newSerial, readCertificate, readPrivateKey, writePrivateKey, x509 } from './x509.js';

/** 2026-03-01T12:00:00Z */
export const NOW = Date.UTC(2026, 2, 1, 12);
export const DAY_MS = 86_400_000;
export const berlin = siteName('berlin');

export const demoAuthority = (): Promise<Issued> => createAuthority({ federation: 'demo', now: NOW, days: 3650 });

export const derOf = (certificatePem: string): Uint8Array => new Uint8Array(readCertificate(certificatePem).rawData);

export interface Twist {
  uris?: string[];
  ca?: boolean | 'absent';
  purposes?: string[] | 'absent';
  usages?: number;
}

/** A lawful site certificate but for what is twisted: what `issueCertificate` never makes, and an attacker might. */
export async function twisted(authority: Issued, twist: Twist): Promise<Issued> {
  const issuer = readCertificate(authority.certificatePem);
  const keys = await newKeys();
  const uris = twist.uris ?? ['spiffe://demo/site/berlin'];
  const purposes = twist.purposes ?? [x509.ExtendedKeyUsage.clientAuth];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: ['berlin'] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await readPrivateKey(authority.privateKeyPem),
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(NOW - DAY_MS),
    notAfter: new Date(NOW + DAY_MS),
    extensions: [
      ...(twist.ca === 'absent' ? [] : [new x509.BasicConstraintsExtension(twist.ca ?? false, undefined, true)]),
      new x509.KeyUsagesExtension(twist.usages ?? x509.KeyUsageFlags.digitalSignature, true),
      ...(purposes === 'absent' ? [] : [new x509.ExtendedKeyUsageExtension(purposes)]),
      ...(uris.length
        ? [new x509.SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url' as const, value })))]
        : []),
    ],
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem: await writePrivateKey(keys.privateKey) };
}
