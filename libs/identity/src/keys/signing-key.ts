import {
  digestOf,
  ED25519_KEY_BYTES,
  ed25519PublicKey,
  Fault,
  isSoundPublicKey,
  signEd25519,
  type Digest,
} from '@consilium/stdx';
import { decodeBase64, encodeBase64 } from '../base64.js';

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
    if (secret.byteLength !== ED25519_KEY_BYTES) throw new Fault('KEY_INVALID', { expectedBytes: ED25519_KEY_BYTES });
    this.#secret = secret.slice();
    this.publicKey = ed25519PublicKey(this.#secret);
  }

  sign(message: Uint8Array): Uint8Array {
    return signEd25519(this.#secret, message);
  }

  /** The 32 secret bytes, for a key file only. */
  exportSecret(): Uint8Array {
    return this.#secret.slice();
  }
}

/** A new key from the system's secure source; another source is for tests. */
export const newSigningKey = (random: RandomBytes = secureRandom): SoftwareKey =>
  new SoftwareKey(random(ED25519_KEY_BYTES));

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
