import { ed25519 } from '@noble/curves/ed25519.js';

/**
 * Ed25519 (RFC 8032, 5.1) where there is no platform's own, as in a browser: `#curve` of this package's manifest. Its
 * twin `curve.node.ts` answers the same for every input, ten times faster.
 */
export const publicKeyOf = (secret: Uint8Array): Uint8Array => ed25519.getPublicKey(secret);

export const sign = (secret: Uint8Array, message: Uint8Array): Uint8Array => ed25519.sign(message, secret);

/**
 * Whether S·B = R + k·A, without the cofactor, S below the group's order and R canonical. The library multiplies by the
 * cofactor, so R is held to the prime-order subgroup as well; with a sound key that comes to the same.
 */
export const satisfies = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  ed25519.verify(signature, message, publicKey, { zip215: false }) &&
  ed25519.Point.fromBytes(signature.subarray(0, 32)).isTorsionFree();
