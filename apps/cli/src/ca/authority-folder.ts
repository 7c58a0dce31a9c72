import { join } from 'node:path';
import { certificateFacts, createAuthority, issueCertificate, type Issued, type Subject } from '@consilium/identity';
import { Fault, NAME_PATTERN, siteName } from '@consilium/stdx';
import { exists, readTextFile, writeFileWhole } from '../files.js';

/** What was written, and what its owner has to know. */
export interface IssuedFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly spiffe: string;
  readonly notAfterMs: number;
  /** SHA-256 of the public key: the `pin` that sites keep of the coordinator. */
  readonly publicKeyPin: string;
}

export interface Validity {
  readonly now: number;
  readonly days: number;
}

/** Makes a federation's authority in an empty folder: `ca.pem` for everybody, `ca.key` (mode 600) for nobody. */
export async function initAuthority(folder: string, federation: string, validity: Validity): Promise<IssuedFiles> {
  if (!NAME_PATTERN.test(federation))
    throw new Fault('REQUEST_INVALID', { field: 'federation', expected: NAME_PATTERN.source });
  if (await exists(join(folder, 'ca.key'))) throw new Fault('ALREADY_EXISTS', { file: 'ca.key' });
  return write(folder, 'ca', await createAuthority({ federation, ...validity }));
}

/** Issues the coordinator's certificate for the hosts under which sites dial it. */
export const issueCoordinator = (folder: string, hosts: readonly string[], validity: Validity): Promise<IssuedFiles> =>
  issue(folder, 'coordinator', { kind: 'coordinator' }, hosts, validity);

/** Issues one site's certificate. */
export async function issueSite(folder: string, name: string, validity: Validity): Promise<IssuedFiles> {
  // These names are files of the folder already.
  if (name === 'ca' || name === 'coordinator')
    throw new Fault('REQUEST_INVALID', { field: 'site name', expected: 'another name' });
  return issue(folder, name, { kind: 'site', name: siteName(name) }, undefined, validity);
}

/** A pair that exists is kept: its owner may use it. Whoever wants another one moves it away first. */
async function issue(
  folder: string,
  file: string,
  subject: Subject,
  hosts: readonly string[] | undefined,
  validity: Validity,
): Promise<IssuedFiles> {
  if (await exists(join(folder, `${file}.key`))) throw new Fault('ALREADY_EXISTS', { file: `${file}.key` });
  const authority = await readAuthority(folder);
  return write(
    folder,
    file,
    await issueCertificate({ authority, subject, ...(hosts && { hosts: [...hosts] }), ...validity }),
  );
}

async function readAuthority(folder: string): Promise<Issued> {
  const [certificatePem, privateKeyPem] = await Promise.all([
    readTextFile(join(folder, 'ca.pem')),
    readTextFile(join(folder, 'ca.key')),
  ]);
  if (certificatePem === undefined || privateKeyPem === undefined)
    throw new Fault('NOT_FOUND', { file: 'ca.pem and ca.key' });
  return { certificatePem, privateKeyPem };
}

async function write(folder: string, file: string, { certificatePem, privateKeyPem }: Issued): Promise<IssuedFiles> {
  const [certificate, privateKey] = [join(folder, `${file}.pem`), join(folder, `${file}.key`)];
  await writeFileWhole(privateKey, privateKeyPem, 0o600);
  await writeFileWhole(certificate, certificatePem);
  const { spiffe, notAfter, publicKeyPin } = certificateFacts(certificatePem);
  return { certificate, privateKey, spiffe, notAfterMs: notAfter, publicKeyPin };
}
