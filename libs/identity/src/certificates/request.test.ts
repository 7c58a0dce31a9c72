import { createHash, X509Certificate } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { concatBytes, toHex } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueLeaf, newRequest, readRequest } from '../index.js';
import { codeOf, codeOfAsync, flips } from '../judge.fixture.js';
import { hasOpenssl, Openssl } from '../openssl.fixture.js';
import { berlin, newPki, NOW } from './certificates.fixture.js';
import { sequenceOf } from './der.js';
import { ALGORITHM, newKeys, x509 } from './x509.js';

const { subtle } = globalThis.crypto;

let csr: Uint8Array;
beforeAll(async () => {
  ({ csr } = await newRequest());
});

/** A request as somebody else's program might make it. */
async function request(terms: Partial<x509.Pkcs10CertificateRequestCreateParams>): Promise<Uint8Array> {
  const keys = terms.keys ?? (await newKeys());
  const made = await x509.Pkcs10CertificateRequestGenerator.create({ signingAlgorithm: ALGORITHM, ...terms, keys });
  return new Uint8Array(made.rawData);
}

describe('a request for a certificate', () => {
  it('is signed by its own key, for which it asks', () => {
    const { publicKey, spki } = readRequest(csr);
    expect(toHex(publicKey)).toMatch(/^3059301306072a8648ce3d020106082a8648ce3d03010703420004/);
    expect(spki).toBe(createHash('sha256').update(publicKey).digest('hex'));
  });

  it('makes a certificate of exactly that key', async () => {
    const { intermediate } = await newPki();
    const subject = { kind: 'site', name: berlin } as const;
    const { certificatePem, spki } = await issueLeaf({ intermediate, federation: 'demo', subject, csr, now: NOW });
    const key = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
    expect(toHex(key)).toBe(toHex(readRequest(csr).publicKey));
    expect(spki).toBe(readRequest(csr).spki);
  });

  it('may come as a view into a larger buffer', () => {
    const padded = concatBytes([new Uint8Array(9), csr, new Uint8Array(3)]);
    expect(readRequest(padded.subarray(9, 9 + csr.byteLength))).toEqual(readRequest(csr));
  });

  it('is another one with another key each time', async () => {
    expect(readRequest((await newRequest()).csr).spki).not.toBe(readRequest(csr).spki);
  });
});

describe('a request is refused with CSR_INVALID', () => {
  const refused = async (made: Promise<Uint8Array> | Uint8Array): Promise<void> => {
    const bytes = await made;
    expect(codeOf(() => readRequest(bytes))).toBe('CSR_INVALID');
  };

  it('when it names anybody, the asker too: the subject is the issuer’s to say', async () => {
    await refused(request({ name: 'CN=north' }));
    await refused(request({ name: [{ CN: ['berlin'] }] }));
  });

  it('when it asks for another name', async () => {
    const san = new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://demo/coordinator' }]);
    await refused(request({ extensions: [san] }));
  });

  it('when it asks for an authority’s rights', async () => {
    await refused(request({ extensions: [new x509.BasicConstraintsExtension(true, 0, true)] }));
    await refused(request({ extensions: [new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign)] }));
  });

  it('when it carries any other attribute', async () => {
    await refused(request({ attributes: [new x509.ChallengePasswordAttribute('open')] }));
  });

  it('when its key is on another curve, or of another kind', async () => {
    const curve = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
    const keys = await subtle.generateKey(curve, true, ['sign', 'verify']);
    await refused(request({ keys, signingAlgorithm: curve }));
    const rsa = {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      modulusLength: 2048,
      publicExponent: Uint8Array.of(1, 0, 1),
    };
    const rsaKeys = await subtle.generateKey(rsa, true, ['sign', 'verify']);
    await refused(request({ keys: rsaKeys, signingAlgorithm: rsa }));
  });

  it('when another key has signed it: whoever asks must hold the key', async () => {
    const [a, b] = [await newKeys(), await newKeys()];
    await refused(request({ keys: { publicKey: a.publicKey, privateKey: b.privateKey } }));
    expect(codeOf(() => readRequest(csr))).toBe('accepted');
  });

  it('when its point lies on no curve', async () => {
    const bad = csr.slice();
    const at = toHex(bad).indexOf('03420004') / 2 + 4;
    bad.fill(1, at, at + 64);
    await refused(bad);
  });

  it('when it is garbage, empty, cut off, too long or followed by anything', async () => {
    const bytes = [new Uint8Array(), new Uint8Array(100).fill(7), csr.slice(0, -1), csr.slice(1), new Uint8Array(2049)];
    for (const one of [...bytes, concatBytes([csr, Uint8Array.of(0)])]) await refused(one);
  });

  it('when it has a part too few or too many', async () => {
    const parts = sequenceOf(csr, 'CSR_INVALID');
    const wrap = (inside: readonly Uint8Array[]): Uint8Array => {
      const content = concatBytes(inside);
      return concatBytes([Uint8Array.of(0x30, 0x81, content.byteLength), content]);
    };
    expect(toHex(wrap(parts))).toBe(toHex(csr));
    await refused(wrap([...parts, Uint8Array.of(5, 0)]));
    await refused(wrap(parts.slice(0, 2)));
    await refused(Uint8Array.of(0x30, 0));
    // Three parts as they should be, but of the wrong kinds.
    await refused(wrap([Uint8Array.of(0x30, 0), parts[1]!, parts[2]!]));
    await refused(wrap([parts[0]!, parts[1]!, Uint8Array.of(0x04, 1, 0)]));
  });

  it('with a bit changed, wherever it is', () => {
    let bit = 0;
    for (const changed of flips(csr, 11)) {
      expect(
        codeOf(() => readRequest(changed)),
        `bit ${bit}`,
      ).toBe('CSR_INVALID');
      bit += 11;
    }
  });

  it('and then nothing is issued', async () => {
    const { intermediate } = await newPki();
    const named = await request({ name: 'CN=coordinator' });
    const subject = { kind: 'site', name: berlin } as const;
    const issued = issueLeaf({ intermediate, federation: 'demo', subject, csr: named, now: NOW });
    expect(await codeOfAsync(issued)).toBe('CSR_INVALID');
  });
});

describe.skipIf(!hasOpenssl)('OpenSSL (skipped where the openssl program is absent)', () => {
  const openssl = new Openssl();
  afterAll(() => openssl.remove());

  it('finds our request signed by its own key', () => {
    const path = openssl.file('site.csr', csr);
    expect(openssl.run('req', '-inform', 'DER', '-in', path, '-verify', '-noout').ok).toBe(true);
  });

  it('makes a request that is read like ours', () => {
    const privateKey = p256.utils.randomSecretKey();
    const sec1 = concatBytes([Uint8Array.from(Buffer.from('30310201010420', 'hex')), privateKey]);
    const key = openssl.file(
      'key.der',
      concatBytes([sec1, Uint8Array.from(Buffer.from('a00a06082a8648ce3d030107', 'hex'))]),
    );
    const config = openssl.file('req.cnf', '[req]\ndistinguished_name=dn\n[dn]\n');
    const path = openssl.file('theirs.csr', '');
    const args = ['-new', '-sha256', '-keyform', 'DER', '-key', key, '-subj', '/', '-outform', 'DER', '-out', path];
    expect(openssl.run('req', ...args, '-config', config).ok).toBe(true);
    const theirs = openssl.read(path);
    expect(toHex(readRequest(theirs).publicKey.subarray(26))).toBe(toHex(p256.getPublicKey(privateKey, false)));
  });
});
