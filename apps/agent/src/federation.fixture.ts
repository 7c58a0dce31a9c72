import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createIntermediate,
  createRoot,
  encodeKeyFile,
  issueLeaf,
  newRequest,
  type Issued,
  type Subject,
} from '@consilium/identity';
import type { SiteName } from '@consilium/stdx';
import type { TlsFiles } from '@consilium/wire';
import { IDENTITY_FILES } from './identity-files.js';
import { FEDERATION, keyOf, ROOT, ROSTER_DOCUMENT, signedRoster } from './keys.fixture.js';
import { SITE } from './plan.fixture.js';

export { FEDERATION } from './keys.fixture.js';

/** The certificates of a federation's coordinator and of one site. */
export interface Certificates {
  readonly root: Issued;
  readonly coordinator: TlsFiles;
  readonly site: TlsFiles;
}

export const foreignRoot = (federation: string): Promise<Issued> =>
  createRoot({ federation, now: Date.now(), days: 2 });

export async function certificatesOf(
  federation = FEDERATION,
  root = ROOT,
  site: SiteName = SITE,
): Promise<Certificates> {
  const now = Date.now();
  const intermediate = await createIntermediate({ root, federation, now, days: 1 });
  const issue = async (subject: Subject): Promise<TlsFiles> => {
    const { csr, privateKeyPem } = await newRequest();
    const hosts = subject.kind === 'site' ? [] : ['127.0.0.1', 'localhost'];
    const { chainPem } = await issueLeaf({ intermediate, federation, subject, csr, hosts, now });
    return { ca: root.certificatePem, certificate: chainPem, privateKey: privateKeyPem };
  };
  return { root, coordinator: await issue({ kind: 'coordinator' }), site: await issue({ kind: 'site', name: site }) };
}

/** The identity folder and the settings that name it. */
export async function writeSite(folder: string, { root, site }: Certificates, settings: object): Promise<string> {
  const identity = join(folder, 'identity');
  await mkdir(identity, { recursive: true });
  const write = (name: keyof typeof IDENTITY_FILES, content: string | Uint8Array): Promise<void> =>
    writeFile(join(identity, IDENTITY_FILES[name]), content, { mode: 0o600 });
  await write('root', site.ca);
  await write('certificate', site.certificate);
  await write('privateKey', site.privateKey);
  await write('signing', encodeKeyFile(keyOf(SITE)));
  // ECDSA is random: signed again, it would be a second roster of the same version.
  await write('roster', root === ROOT ? ROSTER_DOCUMENT : await signedRoster({}, root));
  const path = join(folder, 'agent.yaml');
  const own = { site: SITE, federation: FEDERATION, jurisdiction: 'DE', state: 'state', identity: 'identity' };
  await writeFile(path, JSON.stringify({ ...own, ...settings }));
  return path;
}
