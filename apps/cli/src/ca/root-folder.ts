import { join } from 'node:path';
import { certificateFacts, createRoot, type Issued } from '@consilium/identity';
import { Fault, NAME_PATTERN, type Digest } from '@consilium/stdx';
import { exists, readTextFile, writeFileWhole } from '../files.js';

/** From when for how long a certificate is made. */
export interface Validity {
  /** UTC milliseconds. */
  readonly now: number;
  readonly days: number;
}

/** What was made, and what its owner has to know. */
export interface RootFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly spiffe: string;
  readonly notAfterMs: number;
  /** SHA-256 of the certificate: what one-time tokens pin. */
  readonly fingerprint: Digest;
}

/** Makes a federation's root in a folder that has none: `root.pem` for everybody, `root.key` (mode 600) to be locked away. */
export async function initRoot(folder: string, federation: string, validity: Validity): Promise<RootFiles> {
  if (!NAME_PATTERN.test(federation))
    throw new Fault('REQUEST_INVALID', { field: 'federation', expected: NAME_PATTERN.source });
  const [certificate, privateKey] = [join(folder, 'root.pem'), join(folder, 'root.key')];
  // The certificate is written last, so that one that stands there has its key beside it.
  if (await exists(certificate)) throw new Fault('ALREADY_EXISTS', { file: 'root.pem' });
  const root = await createRoot({ federation, ...validity });
  await writeFileWhole(privateKey, root.privateKeyPem, 0o600);
  await writeFileWhole(certificate, root.certificatePem);
  const { spiffe, notAfter, fingerprint } = certificateFacts(root.certificatePem);
  return { certificate, privateKey, spiffe, notAfterMs: notAfter, fingerprint };
}

/** The root in a folder, and whose it is. NOT_FOUND where it is not. */
export async function readRoot(folder: string): Promise<{ readonly root: Issued; readonly federation: string }> {
  const [certificatePem, privateKeyPem] = await Promise.all([
    readTextFile(join(folder, 'root.pem')),
    readTextFile(join(folder, 'root.key')),
  ]);
  if (certificatePem === undefined || privateKeyPem === undefined)
    throw new Fault('NOT_FOUND', { file: 'root.pem and root.key' });
  const { spiffe } = certificateFacts(certificatePem);
  return { root: { certificatePem, privateKeyPem }, federation: spiffe.slice('spiffe://'.length) };
}
