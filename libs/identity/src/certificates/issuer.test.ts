import { beforeAll, describe, expect, it } from 'vitest';
import { builtInIssuer, newRequest, verifyChain, type CertificateIssuer } from '../index.js';
import { codeOf, codeOfAsync } from '../judge.fixture.js';
import { berlin, HOUR_MS, newPki, NOW, type Pki } from './certificates.fixture.js';

const subject = { kind: 'site', name: berlin } as const;
let pki: Pki;
beforeAll(async () => {
  pki = await newPki();
});

describe('an issuer', () => {
  it('that is built in issues for a day from the intermediate, unless told otherwise', async () => {
    const { csr } = await newRequest();
    const issued = await builtInIssuer({ intermediate: pki.intermediate, federation: 'demo' }).issue({
      subject,
      csr,
      now: NOW,
    });
    expect(issued.notAfter).toBe(NOW + 24 * HOUR_MS);
    const short = builtInIssuer({ intermediate: pki.intermediate, federation: 'demo', hours: 1 });
    expect((await short.issue({ subject, csr, now: NOW })).notAfter).toBe(NOW + HOUR_MS);
    const { chainPem } = issued;
    expect(codeOf(() => verifyChain({ chainPem, rootPem: pki.root.certificatePem, now: NOW }))).toBe('accepted');
  });

  it('refuses a request that does not prove its key', async () => {
    const issuer = builtInIssuer({ intermediate: pki.intermediate, federation: 'demo' });
    const csr = new Uint8Array(10);
    expect(await codeOfAsync(issuer.issue({ subject, csr, now: NOW }))).toBe('CSR_INVALID');
  });

  it('from outside is held to the same chain: one of another root is found out', async () => {
    const other = await newPki();
    const outside: CertificateIssuer = builtInIssuer({ intermediate: other.intermediate, federation: 'demo' });
    const { csr } = await newRequest();
    const { chainPem } = await outside.issue({ subject, csr, now: NOW });
    expect(codeOf(() => verifyChain({ chainPem, rootPem: pki.root.certificatePem, now: NOW }))).toBe(
      'PEER_CERTIFICATE_FOREIGN',
    );
  });
});
