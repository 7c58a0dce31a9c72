import { beforeAll, describe, expect, it } from 'vitest';
import { issueLeaf, issueServerLeaf, newRequest, peerOf, verifyChain, type Issued, type Leaf } from '../index.js';
import { codeOf } from '../judge.fixture.js';
import {
  aarhus,
  AUTHORITY,
  berlin,
  DAY_MS,
  derOf,
  HOUR_MS,
  newPki,
  NOW,
  twisted,
  type Pki,
  type Twist,
} from './certificates.fixture.js';
import { ALGORITHM, newKeys, newSerial, x509 } from './x509.js';

let pki: Pki;
let site: Leaf;
beforeAll(async () => {
  pki = await newPki();
  const { csr } = await newRequest();
  const subject = { kind: 'site', name: berlin } as const;
  site = await issueLeaf({ intermediate: pki.intermediate, federation: 'demo', subject, csr, now: NOW });
});

const judge = (chainPem: string, now = NOW, rootPem = pki.root.certificatePem): string =>
  codeOf(() => verifyChain({ chainPem, rootPem, now }));
const chain = (...links: readonly { certificatePem: string }[]): string =>
  links.map(({ certificatePem }) => certificatePem).join('');
/** A twisted leaf of the true intermediate, or of another authority. */
const leaf = async (twist: Twist, authority: Issued = pki.intermediate): Promise<string> =>
  judge(chain(await twisted(authority, twist), authority));

describe('a chain is accepted', () => {
  it('of a leaf and its intermediate, and gives the leaf for `peerOf`', () => {
    const der = verifyChain({ chainPem: site.chainPem, rootPem: pki.root.certificatePem, now: NOW });
    expect(der).toEqual(derOf(site.certificatePem));
    expect(peerOf(der, 'demo', NOW)).toEqual({ kind: 'site', name: 'berlin' });
  });

  it('of the coordinator', async () => {
    const { intermediate } = pki;
    const hub = await issueServerLeaf({ intermediate, federation: 'demo', subject: { kind: 'coordinator' }, now: NOW });
    expect(judge(hub.chainPem)).toBe('accepted');
  });

  it('to the last moment of the leaf, and not a second longer', () => {
    expect(judge(site.chainPem, NOW + 24 * HOUR_MS)).toBe('accepted');
    expect(judge(site.chainPem, NOW + 24 * HOUR_MS + 1)).toBe('CERTIFICATE_INVALID');
  });

  it('of the twisted leaf that nothing was twisted in (the control of the refusals below)', async () => {
    expect(await leaf({})).toBe('accepted');
    expect(await leaf({}, await twisted(pki.root, AUTHORITY))).toBe('accepted');
  });
});

describe('a leaf is refused', () => {
  const names = { two: ['spiffe://demo/site/berlin', 'spiffe://demo/site/aarhus'] };
  const purpose = x509.ExtendedKeyUsage;
  const refusals: [string, Twist, string][] = [
    ['with two URIs', { uris: names.two }, 'CERTIFICATE_INVALID'],
    ['without a URI', { uris: [] }, 'CERTIFICATE_INVALID'],
    ['that is an authority (CA:true)', { ca: true }, 'CERTIFICATE_INVALID'],
    ['for another purpose', { purposes: [purpose.serverAuth] }, 'PEER_NOT_A_SITE'],
    ['for code signing', { purposes: [purpose.codeSigning] }, 'PEER_NOT_A_SITE'],
    ['for no purpose', { purposes: 'absent' }, 'PEER_NOT_A_SITE'],
    ['of another federation', { uris: ['spiffe://other/site/berlin'] }, 'PEER_CERTIFICATE_FOREIGN'],
    ['that has expired', { notAfter: NOW - 1000 }, 'CERTIFICATE_INVALID'],
    ['that is not valid yet', { notBefore: NOW + 1000 }, 'CERTIFICATE_INVALID'],
    ['that names another issuer', { issuer: 'CN=demo root' }, 'PEER_CERTIFICATE_FOREIGN'],
    ['with an extension twice', { more: [new x509.BasicConstraintsExtension(false)] }, 'CERTIFICATE_INVALID'],
    [
      'with a critical extension that nobody here understands',
      { more: [new x509.Extension('1.3.6.1.5.5.7.1.99', true, Uint8Array.of(5, 0))] },
      'CERTIFICATE_INVALID',
    ],
  ];
  it.each(refusals)('%s', async (_, twist, code) => {
    expect(await leaf(twist)).toBe(code);
  });

  it('but not for an extension that is not critical', async () => {
    expect(await leaf({ more: [new x509.Extension('1.3.6.1.5.5.7.1.99', false, Uint8Array.of(5, 0))] })).toBe(
      'accepted',
    );
  });

  it('that another key than the intermediate’s has signed', async () => {
    const { intermediate } = await newPki();
    expect(await leaf({ signedWith: intermediate.privateKeyPem })).toBe('PEER_CERTIFICATE_FOREIGN');
  });

  it('that the root has signed itself', async () => {
    const direct = await twisted(pki.root, {});
    expect(judge(chain(direct, pki.intermediate))).toBe('PEER_CERTIFICATE_FOREIGN');
    expect(judge(chain(direct, pki.root))).toBe('CERTIFICATE_INVALID');
    expect(judge(chain(direct))).toBe('CERTIFICATE_INVALID');
  });
});

describe('an intermediate is refused', () => {
  it('of another root, also one of the same names', async () => {
    const foreign = await newPki();
    expect(await leaf({}, foreign.intermediate)).toBe('PEER_CERTIFICATE_FOREIGN');
    // The true leaf under a foreign intermediate that bears the true one's name.
    expect(judge(chain(site, foreign.intermediate))).toBe('PEER_CERTIFICATE_FOREIGN');
  });

  it('of another federation', async () => {
    const other = await newPki('other');
    expect(await leaf({ uris: ['spiffe://demo/site/berlin'] }, other.intermediate)).toBe('PEER_CERTIFICATE_FOREIGN');
  });

  it.each<[string, Twist, string]>([
    ['that is no authority', { ...AUTHORITY, ca: false, pathLength: undefined as never }, 'CERTIFICATE_INVALID'],
    ['that does not say so', { ...AUTHORITY, ca: 'absent' }, 'CERTIFICATE_INVALID'],
    ['whose key may not sign certificates', { ...AUTHORITY, usages: 1 }, 'CERTIFICATE_INVALID'],
    ['that allows more authorities below it', { ...AUTHORITY, pathLength: 1 }, 'CERTIFICATE_INVALID'],
    ['that bounds no path', { ...AUTHORITY, pathLength: undefined as never }, 'CERTIFICATE_INVALID'],
    ['without a federation', { ...AUTHORITY, uris: [] }, 'CERTIFICATE_INVALID'],
    ['that is a site too', { ...AUTHORITY, uris: ['spiffe://demo/site/berlin'] }, 'PEER_CERTIFICATE_FOREIGN'],
    ['that has expired', { ...AUTHORITY, notAfter: NOW - 1000 }, 'CERTIFICATE_INVALID'],
    ['that is not valid yet', { ...AUTHORITY, notBefore: NOW + 1000 }, 'CERTIFICATE_INVALID'],
  ])('%s', async (_, twist, code) => {
    expect(await leaf({}, await twisted(pki.root, twist))).toBe(code);
  });

  it('below an intermediate: the path ends there', async () => {
    const below = await twisted(pki.intermediate, AUTHORITY);
    const last = await twisted(below, {});
    expect(judge(chain(last, below))).toBe('PEER_CERTIFICATE_FOREIGN');
    expect(judge(chain(last, below, pki.intermediate))).toBe('CERTIFICATE_INVALID');
  });

  it('that is a site: its key signs connections, not certificates', async () => {
    const hospital = await twisted(pki.intermediate, {});
    expect(judge(chain(await twisted(hospital, {}), hospital))).not.toBe('accepted');
  });

  it('whose key is on another curve', async () => {
    const curve = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
    const keys = await globalThis.crypto.subtle.generateKey(curve, true, ['sign', 'verify']);
    const root = await newKeys();
    const authority = async (name: string, key: CryptoKey, signer: CryptoKey, pathLength: number): Promise<string> => {
      const made = await x509.X509CertificateGenerator.create({
        serialNumber: newSerial(),
        subject: name,
        issuer: 'CN=root',
        publicKey: key,
        signingKey: signer,
        signingAlgorithm: ALGORITHM,
        notBefore: new Date(NOW - DAY_MS),
        notAfter: new Date(NOW + DAY_MS),
        extensions: [
          new x509.BasicConstraintsExtension(true, pathLength, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
          new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://demo' }]),
        ],
      });
      return made.toString('pem');
    };
    const rootPem = await authority('CN=root', root.publicKey, root.privateKey, 1);
    const intermediatePem = await authority('CN=intermediate', keys.publicKey, root.privateKey, 0);
    expect(judge(site.certificatePem + intermediatePem, NOW, rootPem)).toBe('CERTIFICATE_INVALID');
  });
});

describe('a root is refused', () => {
  it('that is not one certificate', () => {
    const { root } = pki;
    expect(judge(site.chainPem, NOW, chain(root, root))).toBe('CERTIFICATE_INVALID');
    expect(judge(site.chainPem, NOW, '')).toBe('CERTIFICATE_INVALID');
  });

  it('that is the intermediate, a leaf, or has not signed itself', async () => {
    expect(judge(site.chainPem, NOW, pki.intermediate.certificatePem)).toBe('CERTIFICATE_INVALID');
    expect(judge(site.chainPem, NOW, site.certificatePem)).toBe('CERTIFICATE_INVALID');
    const other = await newPki();
    const impostor = await twisted(pki.root, { ...AUTHORITY, pathLength: 1, signedWith: other.root.privateKeyPem });
    expect(judge(site.chainPem, NOW, impostor.certificatePem)).toBe('PEER_CERTIFICATE_FOREIGN');
  });

  it('that has expired', async () => {
    expect(judge(site.chainPem, NOW + 4000 * DAY_MS)).toBe('CERTIFICATE_INVALID');
  });
});

describe('a text is refused', () => {
  it('with anything but the two certificates, or longer than they can be', () => {
    const { certificatePem } = site;
    expect(judge('')).toBe('CERTIFICATE_INVALID');
    expect(judge(certificatePem)).toBe('CERTIFICATE_INVALID');
    expect(judge(`${site.chainPem}${pki.root.certificatePem}`)).toBe('CERTIFICATE_INVALID');
    expect(judge(`${site.chainPem}trailing`)).toBe('CERTIFICATE_INVALID');
    expect(judge(site.chainPem.replace('BEGIN CERTIFICATE', 'BEGIN TRUSTED CERTIFICATE'))).toBe('CERTIFICATE_INVALID');
    expect(judge(site.chainPem + ' '.repeat(32_768))).toBe('CERTIFICATE_INVALID');
    expect(judge(`\n${site.chainPem}\n\n`)).toBe('accepted');
  });

  it('with the certificates the other way round', () => {
    expect(judge(chain(pki.intermediate, site))).toBe('CERTIFICATE_INVALID');
  });

  it('with one byte of the leaf changed, wherever it is', () => {
    const der = derOf(site.certificatePem);
    for (let at = 0; at < der.byteLength; at += 17) {
      const changed = der.slice();
      changed[at]! ^= 1 + (at % 255);
      const pem = x509.PemConverter.encode(changed, 'CERTIFICATE');
      expect(judge(`${pem}\n${pki.intermediate.certificatePem}`), `byte ${at}`).not.toBe('accepted');
    }
  });

  it('of two sites’ leaves: neither is the other’s authority', async () => {
    const { csr } = await newRequest();
    const subject = { kind: 'site', name: aarhus } as const;
    const other = await issueLeaf({ intermediate: pki.intermediate, federation: 'demo', subject, csr, now: NOW });
    expect(judge(chain(other, site))).toBe('CERTIFICATE_INVALID');
  });
});
