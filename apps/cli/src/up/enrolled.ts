import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import { readTextFile } from '../files.js';
import type { Layout } from './layout.js';

/** How long after its end the coordinator still renews a certificate; past that the site would have to join anew. */
const LAPSED_MS_MAX = 30 * 86_400_000;

/**
 * Whether a site has its identity; `agent join` writes the certificate last. CERTIFICATE_LAPSED where it ended so long
 * ago that its agent could not renew it and would wait for ever.
 */
export async function isEnrolled(layout: Layout, site: string, nowMs: number): Promise<boolean> {
  const chain = await readTextFile(join(layout.siteIdentity(site), 'certificate.pem'));
  if (chain === undefined) return false;
  // The leaf stands first in its chain.
  if (nowMs > Date.parse(new X509Certificate(chain).validTo) + LAPSED_MS_MAX)
    throw new Fault('CERTIFICATE_LAPSED', { site });
  return true;
}
