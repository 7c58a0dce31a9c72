import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, toHex, utf8 } from '../bytes.js';
import { InvariantError } from '../invariant.js';
import * as portable from './curve.js';
import * as native from './curve.node.js';
import { ed25519PublicKey, isSoundPublicKey, signEd25519, verifyEd25519 } from './ed25519.js';

const { Point } = ed25519;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const message = fc.uint8Array({ maxLength: 100 });
/** The group's order L (RFC 8032, 5.1). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const littleEndian = (value: bigint): Uint8Array => hex(value.toString(16).padStart(64, '0')).reverse();
const asBigInt = (value: Uint8Array): bigint => BigInt(`0x${toHex(value.slice().reverse())}`);
/** A point of order 8; its multiples are all points of small order. */
const TORSION = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');

/** A signature whose R has a part of small order: it satisfies the equation only once that is multiplied by 8. */
function loose(secret: Uint8Array, text: Uint8Array, torsion: number): Uint8Array {
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(secret);
  const r = Point.BASE.multiply(12345n)
    .add(torsion ? TORSION.multiplyUnsafe(BigInt(torsion)) : Point.ZERO)
    .toBytes();
  const k =
    asBigInt(
      createHash('sha512')
        .update(concatBytes([r, pointBytes, text]))
        .digest(),
    ) % ORDER;
  return concatBytes([r, littleEndian((12345n + k * scalar) % ORDER)]);
}

describe('the platform’s Ed25519 and the portable one', () => {
  it('make the same keys and the same signatures, and take each other’s', () => {
    fc.assert(
      fc.property(bytes(32), message, (secret, text) => {
        const key = native.publicKeyOf(secret);
        expect(key).toEqual(portable.publicKeyOf(secret));
        const signature = native.sign(secret, text);
        expect(signature).toEqual(portable.sign(secret, text));
        expect([native, portable].map(({ satisfies }) => satisfies(key, text, signature))).toEqual([true, true]);
      }),
      { numRuns: 50 },
    );
  });

  it('refuse the same: any bit changed, and any 64 bytes', () => {
    const secret = new Uint8Array(32).fill(5);
    const [key, text] = [ed25519PublicKey(secret), utf8('the plan')];
    const signature = signEd25519(secret, text);
    const bit = fc
      .nat(64 * 8 - 1)
      .map((at) => signature.map((byte, i) => (i === at >> 3 ? byte ^ (1 << (at & 7)) : byte)));
    fc.assert(
      fc.property(fc.oneof(bit, bytes(64)), (other) => {
        expect([native, portable].map(({ satisfies }) => satisfies(key, text, other))).toEqual([false, false]);
      }),
      { numRuns: 100 },
    );
  });

  it('refuse the same: the S of another spelling', () => {
    const secret = new Uint8Array(32).fill(6);
    const [key, text] = [ed25519PublicKey(secret), utf8('the plan')];
    const signature = signEd25519(secret, text);
    const other = concatBytes([signature.subarray(0, 32), littleEndian(asBigInt(signature.subarray(32)) + ORDER)]);
    expect([native, portable].map(({ satisfies }) => satisfies(key, text, other))).toEqual([false, false]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('judge an R with %i parts of small order alike', (torsion) => {
    const secret = new Uint8Array(32).fill(3);
    const [key, text] = [ed25519PublicKey(secret), utf8('the plan')];
    const signature = loose(secret, text, torsion);
    // The control: a verifier that multiplies by the cofactor takes them all.
    expect(ed25519.verify(signature, text, key, { zip215: false })).toBe(true);
    const expected = torsion === 0;
    expect([native, portable].map(({ satisfies }) => satisfies(key, text, signature))).toEqual([expected, expected]);
    expect(verifyEd25519(key, text, signature)).toBe(expected);
  });
});

describe('an Ed25519 signature', () => {
  it('of a key of small order, which fits many messages, is refused; the platform alone would take it', () => {
    const neutral = Point.ZERO.toBytes();
    const forged = concatBytes([neutral, new Uint8Array(32)]);
    expect(native.satisfies(neutral, utf8('one plan'), forged)).toBe(true);
    expect(native.satisfies(neutral, utf8('another'), forged)).toBe(true);
    expect(isSoundPublicKey(neutral)).toBe(false);
    expect(verifyEd25519(neutral, utf8('one plan'), forged)).toBe(false);
  });

  it('of another length is refused', () => {
    const secret = new Uint8Array(32).fill(1);
    const signature = signEd25519(secret, utf8('a'));
    for (const other of [new Uint8Array(), signature.slice(1), concatBytes([signature, Uint8Array.of(0)])])
      expect(verifyEd25519(ed25519PublicKey(secret), utf8('a'), other)).toBe(false);
  });

  it.each([0, 31, 33])('is not made with a secret of %i bytes', (length) => {
    expect(() => signEd25519(new Uint8Array(length), utf8('a'))).toThrow(InvariantError);
    expect(() => ed25519PublicKey(new Uint8Array(length))).toThrow(InvariantError);
  });
});

describe('a public key', () => {
  it('is sound in the prime-order subgroup alone', () => {
    for (let torsion = 0n; torsion < 8n; torsion++) {
      const point = torsion ? TORSION.multiplyUnsafe(torsion) : Point.ZERO;
      expect(isSoundPublicKey(point.toBytes())).toBe(false);
      expect(isSoundPublicKey(Point.BASE.multiply(5n).add(point).toBytes())).toBe(torsion === 0n);
    }
  });

  it('of other bytes is not sound, however often one asks', () => {
    for (const other of [
      new Uint8Array(),
      new Uint8Array(31),
      new Uint8Array(32).fill(2),
      hex(`ee${'ff'.repeat(30)}7f`),
    ])
      expect([isSoundPublicKey(other), isSoundPublicKey(other)]).toEqual([false, false]);
  });
});
