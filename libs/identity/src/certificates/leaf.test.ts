import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  certificateFacts,
  createIntermediate,
  createRoot,
  issueLeaf,
  issueServerLeaf,
  LEAF_HOURS,
  newRequest,
  peerOf,
  spiffeId,
  type Issued,
  type Leaf,
} from '../index.js';
import { codeOfAsync } from '../judge.fixture.js';
import { hasOpenssl, Openssl } from '../openssl.fixture.js';
import { berlin, DAY_MS, derOf, HOUR_MS, newPki, NOW, twisted, type Pki } from './certificates.fixture.js';

let pki: Pki;
let site: Leaf & { privateKeyPem: string };
let coordinator: Leaf & { privateKeyPem: string };
const subject = { kind: 'site', name: berlin } as const;
const federation = 'demo';

beforeAll(async () => {
  pki = await newPki();
  const terms = { intermediate: pki.intermediate, federation, now: NOW };
  const { csr, privateKeyPem } = await newRequest();
  site = { ...(await issueLeaf({ ...terms, subject, csr })), privateKeyPem };
  const hosts = ['localhost', '127.0.0.1', '::1', 'coordinator.example'];
  coordinator = await issueServerLeaf({ ...terms, subject: { kind: 'coordinator' }, hosts });
});
const everybody = (): Issued[] => [pki.root, pki.intermediate, site, coordinator];

describe('what is issued, as Node reads it', () => {
  it('belongs to the private key beside it', () => {
    for (const { certificatePem, privateKeyPem } of everybody()) {
      expect(new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);
    }
  });

  it('is signed by the one above: the root by itself, the intermediate by the root, the leaves by the intermediate', () => {
    const [root, intermediate] = [pki.root, pki.intermediate].map((one) => new X509Certificate(one.certificatePem));
    for (const [below, above] of [
      [pki.root, root],
      [pki.intermediate, root],
      [site, intermediate],
      [coordinator, intermediate],
    ] as const) {
      const certificate = new X509Certificate(below.certificatePem);
      expect(certificate.checkIssued(above!)).toBe(true);
      expect(certificate.verify(above!.publicKey)).toBe(true);
    }
    expect(new X509Certificate(site.certificatePem).verify(root!.publicKey)).toBe(false);
  });

  it('carries one SPIFFE URI, and the coordinator’s its hosts', () => {
    const names = everybody().map(({ certificatePem }) => new X509Certificate(certificatePem).subjectAltName);
    expect(names).toEqual([
      'URI:spiffe://demo',
      'URI:spiffe://demo',
      'URI:spiffe://demo/site/berlin',
      'URI:spiffe://demo/coordinator, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:coordinator.example',
    ]);
  });

  it('has one purpose: clientAuth for a site, serverAuth for the coordinator', () => {
    // Node names the OIDs of RFC 5280, 4.2.1.12.
    expect(new X509Certificate(site.certificatePem).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(new X509Certificate(coordinator.certificatePem).keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  it('is an authority’s for the root and the intermediate alone', () => {
    const authorities = everybody().map(({ certificatePem }) => new X509Certificate(certificatePem).ca);
    expect(authorities).toEqual([true, true, false, false]);
  });

  it('has a serial number of its own, and begins a few minutes early, since hospital clocks differ', () => {
    const certificates = everybody().map(({ certificatePem }) => new X509Certificate(certificatePem));
    expect(new Set(certificates.map(({ serialNumber }) => serialNumber)).size).toBe(4);
    for (const { serialNumber, validFrom } of certificates) {
      expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
      expect(validFrom).toBe('Mar  1 11:55:00 2026 GMT');
    }
  });
});

describe('a leaf', () => {
  it('lives for a day', () => {
    expect(site.notAfter).toBe(NOW + LEAF_HOURS * HOUR_MS);
    expect(certificateFacts(site.certificatePem).notAfter).toBe(NOW + DAY_MS);
  });

  it('comes with its intermediate, as a TLS peer shows them', () => {
    expect(site.chainPem).toBe(site.certificatePem + pki.intermediate.certificatePem);
  });

  it('is told by the SHA-256 of its public key, as Node computes it', () => {
    const spki = new X509Certificate(site.certificatePem).publicKey.export({ type: 'spki', format: 'der' });
    expect(site.spki).toBe(createHash('sha256').update(spki).digest('hex'));
    expect(certificateFacts(site.certificatePem).publicKeyPin).toBe(site.spki);
  });

  it('never outlives its intermediate, nor the intermediate its root', async () => {
    const root = await createRoot({ federation, now: NOW, days: 2 });
    const intermediate = await createIntermediate({ root, federation, now: NOW, days: 90 });
    expect(certificateFacts(intermediate.certificatePem).notAfter).toBe(NOW + 2 * DAY_MS);
    const leaf = await issueServerLeaf({ intermediate, federation, subject, now: NOW + DAY_MS, hours: 48 });
    expect(leaf.notAfter).toBe(NOW + 2 * DAY_MS);
  });

  it('names whom the issuer says, whatever was asked', async () => {
    const { csr } = await newRequest();
    const other = { kind: 'coordinator' } as const;
    const leaf = await issueLeaf({ intermediate: pki.intermediate, federation, subject: other, csr, now: NOW });
    expect(peerOf(derOf(leaf.certificatePem), federation, NOW)).toEqual(other);
  });

  it('is named as the SPIFFE standard does', () => {
    expect(spiffeId('demo', subject)).toBe('spiffe://demo/site/berlin');
    expect(spiffeId('demo', { kind: 'coordinator' })).toBe('spiffe://demo/coordinator');
  });
});

describe('nothing is issued', () => {
  const issue = (intermediate: Issued, more: { federation?: string; now?: number } = {}) =>
    codeOfAsync(issueServerLeaf({ intermediate, federation, subject, now: NOW, ...more }));

  it('from the root, from a leaf, from an authority of nobody or from no certificate', async () => {
    expect(await issue(pki.intermediate)).toBe('accepted');
    expect(await issue(pki.root)).toBe('CERTIFICATE_INVALID');
    expect(await issue(site)).toBe('CERTIFICATE_INVALID');
    expect(await issue(await twisted(pki.root, { uris: [], ca: true, pathLength: 0 }))).toBe('CERTIFICATE_INVALID');
    expect(await issue({ ...pki.intermediate, certificatePem: 'garbage' })).toBe('CERTIFICATE_INVALID');
  });

  it('for another federation', async () => {
    expect(await issue(pki.intermediate, { federation: 'other' })).toBe('CERTIFICATE_INVALID');
    const { root } = pki;
    expect(await codeOfAsync(createIntermediate({ root, federation: 'other', now: NOW, days: 1 }))).toBe(
      'CERTIFICATE_INVALID',
    );
  });

  it('after the issuer has expired, or before it begins', async () => {
    expect(await issue(pki.intermediate, { now: NOW + 366 * DAY_MS })).toBe('CERTIFICATE_INVALID');
    expect(await issue(pki.intermediate, { now: NOW - DAY_MS })).toBe('CERTIFICATE_INVALID');
  });

  it.each(['', 'garbage', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'])(
    'with %j as the issuer’s key',
    async (privateKeyPem) => {
      expect(await issue({ ...pki.intermediate, privateKeyPem })).toBe('CERTIFICATE_INVALID');
    },
  );

  it('with the key of another authority', async () => {
    const other = await newPki();
    const mixed = { ...pki.intermediate, privateKeyPem: other.intermediate.privateKeyPem };
    expect(await issue(mixed)).toBe('CERTIFICATE_INVALID');
    const root = { ...pki.root, privateKeyPem: other.root.privateKeyPem };
    expect(await codeOfAsync(createIntermediate({ root, federation, now: NOW, days: 1 }))).toBe('CERTIFICATE_INVALID');
  });

  it.each(['', 'Demo', 'demo/site', 'demo.', 'a b'])('for a federation of the name %j', async (name) => {
    expect(await codeOfAsync(createRoot({ federation: name, now: NOW, days: 1 }))).toBe('REQUEST_INVALID');
  });
});

describe.skipIf(!hasOpenssl)('OpenSSL (skipped where the openssl program is absent)', () => {
  const openssl = new Openssl();
  afterAll(() => openssl.remove());

  const verify = (root: Issued, intermediate: string, leaf: Issued, purpose: 'sslclient' | 'sslserver'): boolean =>
    openssl.run(
      ...['verify', '-x509_strict', '-purpose', purpose, '-attime', String(NOW / 1000)],
      ...['-CAfile', openssl.file('root.pem', root.certificatePem)],
      ...['-untrusted', openssl.file('intermediate.pem', intermediate)],
      openssl.file('leaf.pem', leaf.certificatePem),
    ).ok;

  it('verifies each leaf strictly up to the root, for its own purpose and no other', () => {
    const { root, intermediate } = pki;
    expect(verify(root, intermediate.certificatePem, site, 'sslclient')).toBe(true);
    expect(verify(root, intermediate.certificatePem, coordinator, 'sslserver')).toBe(true);
    expect(verify(root, intermediate.certificatePem, site, 'sslserver')).toBe(false);
    expect(verify(root, intermediate.certificatePem, coordinator, 'sslclient')).toBe(false);
  });

  it('refuses a leaf of another root', async () => {
    const other = await newPki();
    expect(verify(other.root, pki.intermediate.certificatePem, site, 'sslclient')).toBe(false);
  });

  it('refuses an authority below the intermediate, and what a site’s key has signed', async () => {
    const { root, intermediate } = pki;
    const below = await twisted(intermediate, { ca: true, pathLength: 0, usages: 4, purposes: 'absent' });
    const leaf = await twisted(below, {});
    expect(verify(root, intermediate.certificatePem + below.certificatePem, leaf, 'sslclient')).toBe(false);
    expect(verify(root, site.chainPem, await twisted(site, {}), 'sslclient')).toBe(false);
  });

  it('reads the private key as an elliptic curve key on P-256', () => {
    const { out } = openssl.run('pkey', '-noout', '-text', '-in', openssl.file('key.pem', site.privateKeyPem));
    expect(out).toContain('NIST CURVE: P-256');
  });
});
