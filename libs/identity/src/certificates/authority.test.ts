import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berlin, DAY_MS, demoAuthority, NOW, twisted } from './certificates.fixture.js';
import { certificateFacts, createAuthority, issueCertificate, spiffeId, type Issued } from './index.js';

let authority: Issued;
let site: Issued;
let coordinator: Issued;
beforeAll(async () => {
  authority = await demoAuthority();
  site = await issueCertificate({ authority, subject: { kind: 'site', name: berlin }, now: NOW, days: 90 });
  coordinator = await issueCertificate({
    authority,
    subject: { kind: 'coordinator' },
    hosts: ['localhost', '127.0.0.1', '::1', 'coordinator.example'],
    now: NOW,
    days: 90,
  });
});

describe('an issued certificate, as Node reads it', () => {
  it('belongs to the private key beside it', () => {
    for (const { certificatePem, privateKeyPem } of [authority, site, coordinator]) {
      expect(new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);
    }
  });

  it('is signed by the authority, which signed itself', () => {
    const issuer = new X509Certificate(authority.certificatePem);
    for (const { certificatePem } of [authority, site, coordinator]) {
      const certificate = new X509Certificate(certificatePem);
      expect(certificate.checkIssued(issuer)).toBe(true);
      expect(certificate.verify(issuer.publicKey)).toBe(true);
    }
  });

  it('is not signed by another authority of the same name', async () => {
    const other = new X509Certificate((await demoAuthority()).certificatePem);
    expect(new X509Certificate(site.certificatePem).verify(other.publicKey)).toBe(false);
  });

  it('carries one SPIFFE URI, and the coordinator’s its hosts', () => {
    expect(new X509Certificate(site.certificatePem).subjectAltName).toBe('URI:spiffe://demo/site/berlin');
    expect(new X509Certificate(coordinator.certificatePem).subjectAltName).toBe(
      'URI:spiffe://demo/coordinator, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:coordinator.example',
    );
  });

  it('has one purpose: clientAuth for a site, serverAuth for the coordinator', () => {
    // Node names the OIDs of RFC 5280, 4.2.1.12.
    expect(new X509Certificate(site.certificatePem).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(new X509Certificate(coordinator.certificatePem).keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  it('is a certificate authority’s only in the authority’s case', () => {
    expect(new X509Certificate(authority.certificatePem).ca).toBe(true);
    expect(new X509Certificate(site.certificatePem).ca).toBe(false);
  });

  it('has the fingerprint and the pin that Node computes', () => {
    const certificate = new X509Certificate(site.certificatePem);
    const { fingerprint, publicKeyPin } = certificateFacts(site.certificatePem);
    expect(fingerprint).toBe(certificate.fingerprint256.replaceAll(':', '').toLowerCase());
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    expect(publicKeyPin).toBe(createHash('sha256').update(spki).digest('hex'));
  });

  it('has a serial number of its own', () => {
    const serials = [authority, site, coordinator].map(
      (issued) => new X509Certificate(issued.certificatePem).serialNumber,
    );
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });
});

describe('issuing', () => {
  const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'issued',
      (error: unknown) => (Fault.is(error) ? error.code : error),
    );
  const subject = { kind: 'site', name: berlin } as const;

  it('never outlives the authority', async () => {
    const short = await createAuthority({ federation: 'demo', now: NOW, days: 10 });
    const leaf = await issueCertificate({ authority: short, subject, now: NOW, days: 90 });
    expect(certificateFacts(leaf.certificatePem).notAfter).toBe(NOW + 10 * DAY_MS);
  });

  it('begins a few minutes early, since hospital clocks differ', () => {
    expect(new X509Certificate(site.certificatePem).validFrom).toBe('Mar  1 11:55:00 2026 GMT');
  });

  it('refuses an authority that has expired', async () => {
    expect(await codeOf(issueCertificate({ authority, subject, now: NOW + 4000 * DAY_MS, days: 1 }))).toBe(
      'CERTIFICATE_INVALID',
    );
  });

  it('refuses a site’s certificate in the authority’s place', async () => {
    expect(await codeOf(issueCertificate({ authority: site, subject, now: NOW, days: 1 }))).toBe('CERTIFICATE_INVALID');
  });

  it('refuses an authority of no federation', async () => {
    const nameless = await twisted(authority, { uris: [], ca: true });
    expect(await codeOf(issueCertificate({ authority: nameless, subject, now: NOW, days: 1 }))).toBe(
      'CERTIFICATE_INVALID',
    );
  });

  it.each(['', 'garbage', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'])(
    'refuses %j as the authority’s key',
    async (privateKeyPem) => {
      const broken = { ...authority, privateKeyPem };
      expect(await codeOf(issueCertificate({ authority: broken, subject, now: NOW, days: 1 }))).toBe(
        'CERTIFICATE_INVALID',
      );
    },
  );

  it('refuses the key of another authority', async () => {
    const mixed = { ...authority, privateKeyPem: (await demoAuthority()).privateKeyPem };
    expect(await codeOf(issueCertificate({ authority: mixed, subject, now: NOW, days: 1 }))).toBe(
      'CERTIFICATE_INVALID',
    );
  });

  it.each(['', 'Demo', 'demo/site', 'demo.', 'a b'])('makes no authority for the federation %j', async (federation) => {
    expect(await codeOf(createAuthority({ federation, now: NOW, days: 1 }))).toBe('REQUEST_INVALID');
  });

  it('names subjects as the SPIFFE standard does', () => {
    expect(spiffeId('demo', subject)).toBe('spiffe://demo/site/berlin');
    expect(spiffeId('demo', { kind: 'coordinator' })).toBe('spiffe://demo/coordinator');
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe('OpenSSL (skipped where the openssl program is absent)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-identity-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const verify = (ca: Issued, leaf: Issued, purpose: 'sslclient' | 'sslserver') =>
    spawnSync(
      'openssl',
      [
        ...['verify', '-x509_strict', '-purpose', purpose, '-attime', String(NOW / 1000)],
        ...['-CAfile', file('ca.pem', ca.certificatePem), file('leaf.pem', leaf.certificatePem)],
      ],
      { encoding: 'utf8' },
    );

  it.skipIf(!hasOpenssl)('verifies each leaf strictly, for its own purpose', () => {
    expect(verify(authority, site, 'sslclient').stdout).toContain('leaf.pem: OK');
    expect(verify(authority, coordinator, 'sslserver').stdout).toContain('leaf.pem: OK');
  });

  it.skipIf(!hasOpenssl)('refuses each leaf for the other purpose', () => {
    expect(verify(authority, site, 'sslserver').status).not.toBe(0);
    expect(verify(authority, coordinator, 'sslclient').status).not.toBe(0);
  });

  it.skipIf(!hasOpenssl)('refuses a leaf of another authority', async () => {
    expect(verify(await demoAuthority(), site, 'sslclient').status).not.toBe(0);
  });

  it.skipIf(!hasOpenssl)(
    'refuses a certificate that a site’s key has signed, since a site is no authority',
    async () => {
      const grandchild = await twisted(site, {});
      const chain = { ...site, certificatePem: authority.certificatePem + site.certificatePem };
      expect(verify(chain, grandchild, 'sslclient').status).not.toBe(0);
    },
  );

  it.skipIf(!hasOpenssl)('reads the private key as an elliptic curve key on P-256', () => {
    const text = execFileSync('openssl', ['pkey', '-noout', '-text', '-in', file('key.pem', site.privateKeyPem)], {
      encoding: 'utf8',
    });
    expect(text).toContain('NIST CURVE: P-256');
  });
});
