import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { siteName, type SiteName } from '@consilium/stdx';
import { readTextFile, writeFileWhole } from '../files.js';
import type { Layout } from './layout.js';

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 90;
/** A certificate that ends sooner is made anew, so that none ends while a demonstration runs. */
const LEFT_MS_MIN = 7 * DAY_MS;

export const pkiFile = (layout: Layout, subject: string, kind: 'pem' | 'key' = 'pem'): string =>
  join(layout.pki, `${subject}.${kind}`);

interface Pair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface Pki {
  /** SHA-256 of the coordinator's public key, for the agents' settings. */
  readonly coordinatorPin: string;
  /** How many certificates were made now; the others were there and good. */
  readonly made: number;
}

/**
 * Sees to the federation's certificates under `STATE/pki`: an authority, the coordinator's and each site's. A pair is
 * kept if it belongs together, names whom it should, comes from this authority and lasts another week; else it is made
 * anew. Private keys have mode 600 from their first byte. What cannot be read is treated like what is not there.
 */
export async function ensureCertificates(
  layout: Layout,
  federation: string,
  sites: readonly string[],
  nowMs: number,
): Promise<Pki> {
  await mkdir(layout.pki, { recursive: true, mode: 0o700 });
  await chmod(layout.pki, 0o700);
  let made = 0;
  const kept = async (name: string, uri: string, issuer?: X509Certificate): Promise<Pair | undefined> => {
    const pair = await readPair(layout, name);
    return pair && isGood(pair, uri, nowMs, issuer) ? pair : undefined;
  };
  const write = async (name: string, pair: Pair): Promise<Pair> => {
    await writeFileWhole(pkiFile(layout, name, 'key'), pair.privateKeyPem, 0o600);
    await writeFileWhole(pkiFile(layout, name), pair.certificatePem);
    made += 1;
    return pair;
  };

  const authority =
    (await kept('ca', `spiffe://${federation}`)) ??
    (await write('ca', await (await issuing()).createAuthority({ federation, now: nowMs, days: AUTHORITY_DAYS })));
  const issuer = new X509Certificate(authority.certificatePem);

  const leaf = async (name: string, uri: string, subject: Subject): Promise<Pair> =>
    (await kept(name, uri, issuer)) ??
    (await write(
      name,
      await (
        await issuing()
      ).issueCertificate({
        authority,
        subject,
        ...(subject.kind === 'coordinator' ? { hosts: ['localhost', '127.0.0.1'] } : {}),
        now: nowMs,
        days: LEAF_DAYS,
      }),
    ));
  const coordinator = await leaf('coordinator', `spiffe://${federation}/coordinator`, { kind: 'coordinator' });
  for (const site of sites)
    await leaf(site, `spiffe://${federation}/site/${site}`, { kind: 'site', name: siteName(site) });
  return { coordinatorPin: pinOf(coordinator.certificatePem), made };
}

type Subject = { kind: 'coordinator' } | { kind: 'site'; name: SiteName };

const issuing = () => import('./issuing.js');

async function readPair(layout: Layout, name: string): Promise<Pair | undefined> {
  const [certificatePem, privateKeyPem] = await Promise.all([
    readTextFile(pkiFile(layout, name)),
    readTextFile(pkiFile(layout, name, 'key')),
  ]);
  return certificatePem === undefined || privateKeyPem === undefined ? undefined : { certificatePem, privateKeyPem };
}

function isGood(pair: Pair, uri: string, nowMs: number, issuer?: X509Certificate): boolean {
  try {
    const certificate = new X509Certificate(pair.certificatePem);
    const names = (certificate.subjectAltName ?? '').split(', ').filter((name) => name.startsWith('URI:'));
    return (
      names.length === 1 &&
      names[0] === `URI:${uri}` &&
      Date.parse(certificate.validTo) - nowMs > LEFT_MS_MIN &&
      certificate.checkPrivateKey(createPrivateKey(pair.privateKeyPem)) &&
      certificate.verify((issuer ?? certificate).publicKey)
    );
  } catch {
    return false; // Not a certificate or not a key: it is replaced.
  }
}

/** SHA-256 of the SubjectPublicKeyInfo, as `certificateFacts` of @consilium/identity tells it. */
const pinOf = (certificatePem: string): string =>
  createHash('sha256')
    .update(new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
