import { ed25519 } from '@noble/curves/ed25519.js';
import { publicKeyOf, satisfies, sign } from '#curve';
import { toHex } from '../bytes.js';
import { invariant } from '../invariant.js';

/** Bytes of a public key, of a secret seed, and of a signature (RFC 8032, 5.1). */
export const ED25519_KEY_BYTES = 32;
export const ED25519_SIGNATURE_BYTES = 64;

/** The 32 bytes of the public key of 32 secret ones. */
export function ed25519PublicKey(secret: Uint8Array): Uint8Array {
  invariant(secret.byteLength === ED25519_KEY_BYTES, 'a secret of Ed25519 has 32 bytes');
  return publicKeyOf(secret);
}

/** The 64 bytes of the signature over the message itself (PureEdDSA: no prehash). */
export function signEd25519(secret: Uint8Array, message: Uint8Array): Uint8Array {
  invariant(secret.byteLength === ED25519_KEY_BYTES, 'a secret of Ed25519 has 32 bytes');
  return sign(secret, message);
}

/**
 * Whether a signature is the key's over the message, so strictly that every verifier agrees.
 *
 * RFC 8032, 5.1.7 lets a verifier multiply by the cofactor or not. They differ only where the key or R has a component
 * of small order, and both are held to the prime-order subgroup here: there 8·(S·B − R − k·A) = 0 means S·B = R + k·A.
 * S is below the group's order and every encoding canonical (no ZIP 215). False for bytes of another length.
 */
export const verifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  signature.byteLength === ED25519_SIGNATURE_BYTES &&
  isSoundPublicKey(publicKey) &&
  satisfies(publicKey, message, signature);

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

function pointOf(encoded: Uint8Array): InstanceType<typeof ed25519.Point> | undefined {
  try {
    return ed25519.Point.fromBytes(encoded);
  } catch {
    return undefined; // Not 32 bytes or no point of the curve: the caller says what that means.
  }
}
