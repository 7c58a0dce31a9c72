import { beforeAll, describe, expect, it } from 'vitest';
import { certificateFacts, createAuthority, issueCertificate, peerOf, type Issued } from '../index.js';
import { codeOfAsync } from '../judge.fixture.js';
import { berlin, DAY_MS, derOf, newPki, NOW } from './certificates.fixture.js';

let authority: Issued;
beforeAll(async () => {
  authority = await createAuthority({ federation: 'demo', now: NOW, days: 3650 });
});
const subject = { kind: 'site', name: berlin } as const;

describe('an authority that signs leaves itself', () => {
  it('issues what a peer is read from', async () => {
    const leaf = await issueCertificate({ authority, subject, now: NOW, days: 90 });
    expect(peerOf(derOf(leaf.certificatePem), 'demo', NOW)).toEqual(subject);
    const hub = await issueCertificate({
      authority,
      subject: { kind: 'coordinator' },
      hosts: ['hub'],
      now: NOW,
      days: 1,
    });
    expect(peerOf(derOf(hub.certificatePem), 'demo', NOW)).toEqual({ kind: 'coordinator' });
  });

  it('never lets a leaf outlive it', async () => {
    const short = await createAuthority({ federation: 'demo', now: NOW, days: 10 });
    const leaf = await issueCertificate({ authority: short, subject, now: NOW, days: 90 });
    expect(certificateFacts(leaf.certificatePem).notAfter).toBe(NOW + 10 * DAY_MS);
  });

  it('refuses to issue once it has expired, and with the key of another', async () => {
    const late = issueCertificate({ authority, subject, now: NOW + 4000 * DAY_MS, days: 1 });
    expect(await codeOfAsync(late)).toBe('CERTIFICATE_INVALID');
    const mixed = { ...authority, privateKeyPem: (await newPki()).root.privateKeyPem };
    expect(await codeOfAsync(issueCertificate({ authority: mixed, subject, now: NOW, days: 1 }))).toBe(
      'CERTIFICATE_INVALID',
    );
  });
});
