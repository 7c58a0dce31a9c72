import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateFacts, peerOf } from '@consilium/identity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureCertificates, pkiFile } from './certificates.js';
import { layoutOf, type Layout } from './layout.js';

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;
const SITES = ['hospital-a', 'hospital-b'];
let layout: Layout;

beforeEach(async () => void (layout = layoutOf(await mkdtemp(join(tmpdir(), 'consilium-pki-')))));
afterEach(() => rm(layout.root, { recursive: true }));

const pem = (subject: string, kind?: 'key'): Promise<string> => readFile(pkiFile(layout, subject, kind), 'utf8');
const ensure = (now = NOW, federation = 'demo', sites = SITES) => ensureCertificates(layout, federation, sites, now);

describe('the certificates of a demonstration', () => {
  it('are an authority’s, the coordinator’s and each site’s', async () => {
    expect((await ensure()).made).toBe(4);
    const authority = new X509Certificate(await pem('ca'));
    for (const subject of ['coordinator', ...SITES]) {
      const leaf = new X509Certificate(await pem(subject));
      expect(leaf.verify(authority.publicKey)).toBe(true);
      expect(peerOf(new Uint8Array(leaf.raw), 'demo')).toEqual(
        subject === 'coordinator' ? { kind: 'coordinator' } : { kind: 'site', name: subject },
      );
    }
  });

  it('have private keys that only their owner may read', async () => {
    await ensure();
    for (const subject of ['ca', 'coordinator', ...SITES])
      expect((await stat(pkiFile(layout, subject, 'key'))).mode & 0o777).toBe(0o600);
    expect((await stat(layout.pki)).mode & 0o777).toBe(0o700);
  });

  it('tell the coordinator’s pin as @consilium/identity does', async () => {
    const { coordinatorPin } = await ensure();
    expect(coordinatorPin).toBe(certificateFacts(await pem('coordinator')).publicKeyPin);
  });

  it('are kept as long as they are good', async () => {
    const first = await ensure();
    const before = await Promise.all(SITES.map((site) => pem(site)));
    const second = await ensure(NOW + DAY_MS);
    expect(second).toEqual({ coordinatorPin: first.coordinatorPin, made: 0 });
    expect(await Promise.all(SITES.map((site) => pem(site)))).toEqual(before);
  });

  it('are made for a site that joins, without touching the others', async () => {
    await ensure();
    expect((await ensure(NOW, 'demo', [...SITES, 'hospital-c'])).made).toBe(1);
  });

  it('are made anew in the last week of their life', async () => {
    await ensure();
    expect((await ensure(NOW + 82 * DAY_MS)).made).toBe(0);
    expect((await ensure(NOW + 84 * DAY_MS)).made).toBe(3);
  });

  it('are all made anew when the authority ends or belongs to another federation', async () => {
    await ensure();
    expect((await ensure(NOW + 3646 * DAY_MS)).made).toBe(4);
    expect((await ensure(NOW, 'other')).made).toBe(4);
    expect(certificateFacts(await pem('ca')).spiffe).toBe('spiffe://other');
  });

  it.each([
    [
      'a key that does not belong to its certificate',
      async () => writeFile(pkiFile(layout, 'hospital-a', 'key'), await pem('hospital-b', 'key')),
    ],
    ['a certificate of another site', async () => writeFile(pkiFile(layout, 'hospital-a'), await pem('hospital-b'))],
    ['a file that is no certificate', async () => writeFile(pkiFile(layout, 'hospital-a'), 'hello')],
    ['a certificate without its key', async () => rm(pkiFile(layout, 'hospital-a', 'key'))],
  ])('are made anew for %s', async (_, spoil) => {
    await ensure();
    await spoil();
    expect((await ensure()).made).toBe(1);
    expect(new X509Certificate(await pem('hospital-a')).subjectAltName).toBe('URI:spiffe://demo/site/hospital-a');
    expect((await ensure()).made).toBe(0);
  });

  it('of another authority are not trusted because they look alike', async () => {
    await ensure();
    const foreign = layoutOf(await mkdtemp(join(tmpdir(), 'consilium-foreign-')));
    await ensureCertificates(foreign, 'demo', SITES, NOW);
    for (const kind of ['pem', 'key'] as const)
      await writeFile(pkiFile(layout, 'hospital-a', kind), await readFile(pkiFile(foreign, 'hospital-a', kind)));
    expect((await ensure()).made).toBe(1);
    await rm(foreign.root, { recursive: true });
  });

  it('have their folder closed again if somebody opened it', async () => {
    await ensure();
    await chmod(layout.pki, 0o755);
    await ensure();
    expect((await stat(layout.pki)).mode & 0o777).toBe(0o700);
  });
});
