import { ed25519 } from '@noble/curves/ed25519.js';
import { digestOf, Fault, toHex, type Digest } from '@consilium/stdx';
import { decodeBase64, encodeBase64 } from '../base64.js';

/** Bytes of an Ed25519 public key, of a secret seed, and of a signature (RFC 8032, 5.1). */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Whatever signs with Ed25519: a key of this program, or one that never leaves a token or hardware module. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes over the message itself (PureEdDSA: no prehash). */
  sign(message: Uint8Array): Uint8Array;
}

/** A source of `length` secret random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

export const secureRandom: RandomBytes = (length) => globalThis.crypto.getRandomValues(new Uint8Array(length));

/** A signing key in this program's memory. The secret is no property, so that no log line and no JSON can show it. */
export class SoftwareKey implements SigningKey {
  readonly publicKey: Uint8Array;
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    if (secret.byteLength !== KEY_BYTES) throw new Fault('KEY_INVALID', { expectedBytes: KEY_BYTES });
    this.#secret = secret.slice();
    this.publicKey = ed25519.getPublicKey(this.#secret);
  }

  sign(message: Uint8Array): Uint8Array {
    return ed25519.sign(message, this.#secret);
  }

  /** The 32 secret bytes, for a key file only. */
  exportSecret(): Uint8Array {
    return this.#secret.slice();
  }
}

/** A new key from the system's secure source; another source is for tests. */
export const newSigningKey = (random: RandomBytes = secureRandom): SoftwareKey => new SoftwareKey(random(KEY_BYTES));

/** The key of 32 secret bytes. KEY_INVALID for any other length. */
export const signingKeyFrom = (secret: Uint8Array): SoftwareKey => new SoftwareKey(secret);

/** The name of a public key: SHA-256 of its 32 bytes. */
export const keyId = (publicKey: Uint8Array): Digest => digestOf(publicKey);

/** A public key as base64 of its 32 bytes, as rosters, plans and policies write it. */
export const encodePublicKey = (publicKey: Uint8Array): string => encodeBase64(publicKey);

/** The 32 bytes of a public key's text form. KEY_INVALID for another spelling or what is no sound key. */
export function decodePublicKey(text: string): Uint8Array {
  const publicKey = decodeBase64(text, 'KEY_INVALID');
  if (!isSoundPublicKey(publicKey)) throw new Fault('KEY_INVALID', { expected: 'an Ed25519 public key' });
  return publicKey;
}

/**
 * Whether bytes are a public key that can be held to its signatures: canonically encoded (RFC 8032, 5.1.3), in the
 * subgroup of prime order and not its neutral element. With a key of small order, one signature fits many messages.
 */
export function isSoundPublicKey(publicKey: Uint8Array): boolean {
  const name = toHex(publicKey);
  const known = soundness.get(name);
  if (known !== undefined) return known;
  const point = pointOf(publicKey);
  const isSound = point !== undefined && !point.is0() && point.isTorsionFree();
  if (soundness.size >= KEYS_REMEMBERED) soundness.clear();
  soundness.set(name, isSound);
  return isSound;
}

/** A federation has few keys and asks about them at every message; the answer costs a multiplication on the curve. */
const soundness = new Map<string, boolean>();
const KEYS_REMEMBERED = 1024;

/**
 * Whether a signature is the key's over the message, so strictly that every verifier agrees.
 *
 * RFC 8032, 5.1.7 lets a verifier multiply by the cofactor or not; OpenSSL does not, the library here does. They differ
 * only where the key or R has a component of small order, so both are held to the prime-order subgroup: there
 * 8·(S·B − R − k·A) = 0 means S·B = R + k·A. S is below the group's order and every encoding canonical (no ZIP 215).
 */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.byteLength !== SIGNATURE_BYTES || !isSoundPublicKey(publicKey)) return false;
  if (!ed25519.verify(signature, message, publicKey, { zip215: false })) return false;
  return ed25519.Point.fromBytes(signature.subarray(0, KEY_BYTES)).isTorsionFree();
}

function pointOf(encoded: Uint8Array): InstanceType<typeof ed25519.Point> | undefined {
  try {
    return ed25519.Point.fromBytes(encoded);
  } catch {
    return undefined; // Not 32 bytes or no point of the curve: the caller says what that means.
  }
}
