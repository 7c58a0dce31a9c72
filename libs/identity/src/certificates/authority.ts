import { Fault } from '@consilium/stdx';
import { spiffeId, trustDomain, type Subject } from './spiffe.js';
import {
  ALGORITHM,
  newKeys,
  newSerial,
  readCertificate,
  readPrivateKey,
  urisOf,
  writeCertificate,
  writePrivateKey,
  x509,
} from './x509.js';

const DAY_MS = 86_400_000;
/** Certificates begin a little before they are made, since hospital clocks differ. */
const BACKDATED_MS = 5 * 60_000;

/** A certificate and its private key, each as PEM text. The key belongs in a file of mode 600 and nowhere else. */
export interface Issued {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/**
 * Makes a federation's certificate authority: a self-signed P-256 certificate that may sign leaves only (path length 0)
 * and carries the federation as its SPIFFE trust domain. `now` is UTC milliseconds.
 */
export async function createAuthority(terms: { federation: string; now: number; days: number }): Promise<Issued> {
  const { federation } = terms;
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [`${federation} authority`] }],
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(terms),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: trustDomain(federation) }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: writeCertificate(certificate), privateKeyPem: await writePrivateKey(keys.privateKey) };
}

/**
 * Makes a key and a leaf certificate for a site or the coordinator, in the form of a SPIFFE X509-SVID: exactly one URI,
 * no CA, and one purpose only: clientAuth for a site, serverAuth for the coordinator, so that a stolen site key
 * cannot pose as the coordinator. `hosts` are DNS names and IP addresses of the coordinator, for tools that look at them;
 * our own agents look at the SPIFFE id. The leaf ends with its authority if that ends sooner.
 *
 * Faults: CERTIFICATE_INVALID where the authority's files cannot be read, do not belong together, are not an
 * authority's, or have expired.
 */
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
  const { notBefore, notAfter } = validity(terms);
  const last = Math.min(notAfter.getTime(), authority.notAfter.getTime());
  if (last <= terms.now) throw new Fault('CERTIFICATE_INVALID', { expected: 'an authority that has not expired' });

  const keys = await newKeys();
  const purpose = subject.kind === 'site' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [subject.kind === 'site' ? subject.name : 'coordinator'] }],
    issuer: authority.subjectName,
    publicKey: keys.publicKey,
    signingKey: await readPrivateKey(terms.authority.privateKeyPem),
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Math.max(notBefore.getTime(), authority.notBefore.getTime())),
    notAfter: new Date(last),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([purpose]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: spiffeId(federation, subject) },
        ...hosts.map(hostName),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
    ],
  });
  if (!(await certificate.verify({ publicKey: authority, signatureOnly: true }))) {
    throw new Fault('CERTIFICATE_INVALID', { expected: 'the key of the authority' });
  }
  return { certificatePem: writeCertificate(certificate), privateKeyPem: await writePrivateKey(keys.privateKey) };
}

function federationOf(authority: x509.X509Certificate): string {
  const [uri, ...more] = urisOf(authority);
  const isAuthority = authority.getExtension(x509.BasicConstraintsExtension)?.ca === true;
  if (!isAuthority || !uri?.startsWith('spiffe://') || more.length > 0) {
    throw new Fault('CERTIFICATE_INVALID', { expected: 'the authority of a federation' });
  }
  return uri.slice('spiffe://'.length);
}

/** X.509 counts whole seconds. */
function validity({ now, days }: { now: number; days: number }): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now / 1000) * 1000;
  return { notBefore: new Date(second - BACKDATED_MS), notAfter: new Date(second + days * DAY_MS) };
}

const hostName = (host: string): { type: 'ip' | 'dns'; value: string } => ({
  type: host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host) ? 'ip' : 'dns',
  value: host,
});
