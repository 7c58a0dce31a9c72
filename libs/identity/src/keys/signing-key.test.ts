import { createHash, createPublicKey, generateKeyPairSync, sign as nodeSign, verify as nodeVerify } from 'node:crypto';
import { inspect } from 'node:util';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes, toHex, utf8, verifyEd25519 } from '@consilium/stdx';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decodePublicKey, encodePublicKey, keyId, newSigningKey, signingKeyFrom } from '../index.js';
import { codeOf, flips } from '../judge.fixture.js';
import { hasOpenssl, Openssl } from '../openssl.fixture.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const message = fc.uint8Array({ maxLength: 100 });
/** The group's order L (RFC 8032, 5.1). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const { Point } = ed25519;
const sha512 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha512').update(bytes).digest());

const littleEndian = (value: bigint): Uint8Array => hex(value.toString(16).padStart(64, '0')).reverse();
const asBigInt = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.slice().reverse())}`);

/** Points of order 1, 2, 4 and 8 (all eight of them). */
const SMALL_ORDER = Array.from({ length: 8 }, (_, i) => {
  const torsion = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  return i === 0 ? Point.ZERO : torsion.multiplyUnsafe(BigInt(i));
});

describe('a signing key', () => {
  // RFC 8032, 7.1, tests 1 to 3.
  it.each([
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ])('signs as RFC 8032 says: %s', (secret, publicKey, text, signature) => {
    const key = signingKeyFrom(hex(secret));
    expect(toHex(key.publicKey)).toBe(publicKey);
    expect(toHex(key.sign(hex(text)))).toBe(signature);
    expect(verifyEd25519(hex(publicKey), hex(text), hex(signature))).toBe(true);
  });

  it('verifies its own signatures, and of no other message or key', () => {
    fc.assert(
      fc.property(seed, seed, message, message, (a, b, text, other) => {
        const key = signingKeyFrom(a);
        const signature = key.sign(text);
        expect(verifyEd25519(key.publicKey, text, signature)).toBe(true);
        if (toHex(text) !== toHex(other)) expect(verifyEd25519(key.publicKey, other, signature)).toBe(false);
        if (toHex(a) !== toHex(b)) {
          expect(verifyEd25519(signingKeyFrom(b).publicKey, text, signature)).toBe(false);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('agrees with Node’s own Ed25519 in both directions', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const jwk = privateKey.export({ format: 'jwk' });
    const key = signingKeyFrom(Uint8Array.from(Buffer.from(jwk.d!, 'base64url')));
    const text = utf8('über');
    expect(verifyEd25519(key.publicKey, text, new Uint8Array(nodeSign(null, text, privateKey)))).toBe(true);
    expect(nodeVerify(null, text, publicKey, key.sign(text))).toBe(true);
  });

  it('is new each time, from the system’s secure source', () => {
    const keys = Array.from({ length: 20 }, () => toHex(newSigningKey().publicKey));
    expect(new Set(keys).size).toBe(20);
    expect(newSigningKey(() => new Uint8Array(32)).publicKey).toEqual(signingKeyFrom(new Uint8Array(32)).publicKey);
  });

  it('shows its secret to whoever asks for it by name, and to no log', () => {
    const key = signingKeyFrom(new Uint8Array(32).fill(7));
    expect(key.exportSecret()).toEqual(new Uint8Array(32).fill(7));
    expect(JSON.stringify(key)).not.toContain('secret');
    expect(inspect(key, { depth: 9, showHidden: true })).not.toMatch(/7,\s*7,\s*7/);
    expect(inspect({ secret: key.exportSecret() })).toMatch(/7,\s*7,\s*7/);
  });

  it('keeps its secret though the buffer that it came in is wiped', () => {
    const secret = new Uint8Array(32).fill(9);
    const key = signingKeyFrom(secret);
    const before = toHex(key.sign(utf8('a')));
    secret.fill(0);
    key.exportSecret().fill(0);
    expect(toHex(key.sign(utf8('a')))).toBe(before);
  });

  it.each([0, 31, 33, 64])('is not made of %i bytes', (length) => {
    expect(codeOf(() => signingKeyFrom(new Uint8Array(length)))).toBe('KEY_INVALID');
  });
});

describe('a public key', () => {
  it('is written as base64 of its 32 bytes and named by their SHA-256', () => {
    const { publicKey } = signingKeyFrom(hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'));
    expect(encodePublicKey(publicKey)).toBe('11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=');
    expect(decodePublicKey('11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=')).toEqual(publicKey);
    expect(keyId(publicKey)).toBe('21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9');
  });

  it.each([
    ['', 'nothing'],
    ['11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo', 'no padding'],
    ['11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=', 'dirty trailing bits'],
    ['11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=', 'base64url'],
    ['11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==', '31 bytes'],
    [encodePublicKey(new Uint8Array(32).fill(2)), 'no point of the curve'],
    // y = p + 1, another spelling of y = 1 (ZIP 215 would take it).
    [encodePublicKey(hex(`ee${'ff'.repeat(30)}7f`)), 'a number not reduced'],
  ])('%j is refused: %s', (text) => {
    expect(codeOf(() => decodePublicKey(text))).toBe('KEY_INVALID');
  });

  it('of small order, or with a part of small order, is refused', () => {
    for (const point of SMALL_ORDER) {
      expect(codeOf(() => decodePublicKey(encodePublicKey(point.toBytes())))).toBe('KEY_INVALID');
      const mixed = Point.BASE.multiply(5n).add(point);
      const expected = point.is0() ? 'accepted' : 'KEY_INVALID';
      expect(codeOf(() => decodePublicKey(encodePublicKey(mixed.toBytes())))).toBe(expected);
    }
  });
});

describe('a signature is refused', () => {
  const key = signingKeyFrom(new Uint8Array(32).fill(1));
  const text = utf8('the plan');
  const signature = key.sign(text);

  it('with a bit changed, wherever it is', () => {
    for (const changed of flips(signature, 5)) expect(verifyEd25519(key.publicKey, text, changed)).toBe(false);
  });

  it('of another length', () => {
    const longer = concatBytes([signature, Uint8Array.of(0)]);
    for (const other of [new Uint8Array(), signature.slice(1), longer]) {
      expect(verifyEd25519(key.publicKey, text, other)).toBe(false);
    }
  });

  it('whose S is not below the group’s order: the same signature in another spelling', () => {
    const [r, s] = [signature.subarray(0, 32), asBigInt(signature.subarray(32))];
    const same = concatBytes([r, littleEndian(s)]);
    expect(verifyEd25519(key.publicKey, text, same)).toBe(true);
    const other = concatBytes([r, littleEndian(s + ORDER)]);
    expect(verifyEd25519(key.publicKey, text, other)).toBe(false);
  });

  it('of a key of small order, for which one signature fits many messages', () => {
    // R = S = 0 with a neutral key fits everything where the key is not looked at: ZIP 215 is the control.
    const neutral = Point.ZERO.toBytes();
    const forged = concatBytes([neutral, new Uint8Array(32)]);
    expect(ed25519.verify(forged, text, neutral, { zip215: true })).toBe(true);
    expect(ed25519.verify(forged, utf8('another plan'), neutral, { zip215: true })).toBe(true);
    expect(verifyEd25519(neutral, text, forged)).toBe(false);
  });

  it('whose R has a part of small order: OpenSSL refuses it, the library beneath does not', () => {
    const secret = new Uint8Array(32).fill(3);
    const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(secret);
    const torsion = SMALL_ORDER[1]!;
    const [nonce, r] = [12345n, Point.BASE.multiply(12345n).add(torsion).toBytes()];
    // S = nonce + k·a satisfies the equation once both sides are multiplied by 8.
    const k = asBigInt(sha512(concatBytes([r, pointBytes, text]))) % ORDER;
    const forged = concatBytes([r, littleEndian((nonce + k * scalar) % ORDER)]);
    const spki = concatBytes([hex('302a300506032b6570032100'), pointBytes]);
    const nodeKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    expect(ed25519.verify(forged, text, pointBytes, { zip215: false })).toBe(true);
    expect(nodeVerify(null, text, nodeKey, forged)).toBe(false);
    expect(verifyEd25519(pointBytes, text, forged)).toBe(false);
  });
});

describe.skipIf(!hasOpenssl)('OpenSSL (skipped where the openssl program is absent)', () => {
  const openssl = new Openssl();
  afterAll(() => openssl.remove());

  it('verifies what our key has signed, and nothing else', () => {
    const key = newSigningKey();
    const spki = concatBytes([hex('302a300506032b6570032100'), key.publicKey]);
    const verify = (text: string): boolean =>
      openssl.run(
        ...['pkeyutl', '-verify', '-rawin', '-pubin', '-keyform', 'DER', '-inkey', openssl.file('key.der', spki)],
        ...['-in', openssl.file('text', text), '-sigfile', openssl.file('signature', key.sign(utf8('signed')))],
      ).ok;
    expect(verify('signed')).toBe(true);
    expect(verify('other')).toBe(false);
  });
});
