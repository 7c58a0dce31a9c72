import { siteName } from '@consilium/stdx';
import { createIntermediate, createRoot, type Issued } from '../index.js';
import { ALGORITHM, newKeys, newSerial, readCertificate, readPrivateKey, writePrivateKey, x509 } from './x509.js';

/** 2026-03-01T12:00:00Z */
export const NOW = Date.UTC(2026, 2, 1, 12);
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const berlin = siteName('berlin');
export const aarhus = siteName('aarhus');

export interface Pki {
  readonly root: Issued;
  readonly intermediate: Issued;
}

/** A federation's root and intermediate, made at {@link NOW}. */
export async function newPki(federation = 'demo', intermediateDays = 365): Promise<Pki> {
  const root = await createRoot({ federation, now: NOW, days: 3650 });
  return { root, intermediate: await createIntermediate({ root, federation, now: NOW, days: intermediateDays }) };
}

export const derOf = (certificatePem: string): Uint8Array => new Uint8Array(readCertificate(certificatePem).rawData);

export interface Twist {
  readonly uris?: readonly string[];
  readonly ca?: boolean | 'absent';
  readonly pathLength?: number;
  readonly purposes?: readonly string[] | 'absent';
  readonly usages?: number;
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Signed with this private key in the place of the issuer's. */
  readonly signedWith?: string;
  /** Another issuer's name than the one who signs. */
  readonly issuer?: string;
  readonly more?: readonly x509.Extension[];
}

/** A lawful site certificate but for what is twisted: what this library never issues, and an attacker might. */
export async function twisted(authority: Issued, twist: Twist): Promise<Issued> {
  const issuer = readCertificate(authority.certificatePem);
  const keys = await newKeys();
  const uris = twist.uris ?? ['spiffe://demo/site/berlin'];
  const purposes = twist.purposes ?? [x509.ExtendedKeyUsage.clientAuth];
  const constraints = new x509.BasicConstraintsExtension(twist.ca === true, twist.pathLength, true);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: ['berlin'] }],
    issuer: twist.issuer ?? issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await readPrivateKey(twist.signedWith ?? authority.privateKeyPem),
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(twist.notBefore ?? NOW - DAY_MS),
    notAfter: new Date(twist.notAfter ?? NOW + DAY_MS),
    extensions: [
      ...(twist.ca === 'absent' ? [] : [constraints]),
      new x509.KeyUsagesExtension(twist.usages ?? x509.KeyUsageFlags.digitalSignature, true),
      ...(purposes === 'absent' ? [] : [new x509.ExtendedKeyUsageExtension([...purposes])]),
      ...(uris.length
        ? [new x509.SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url' as const, value })))]
        : []),
      ...(twist.more ?? []),
    ],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem: await writePrivateKey(keys.privateKey) };
}

/** What makes a twisted certificate an authority's. */
export const AUTHORITY = {
  ca: true,
  pathLength: 0,
  uris: ['spiffe://demo'],
  usages: x509.KeyUsageFlags.keyCertSign,
  purposes: 'absent',
} as const satisfies Twist;
