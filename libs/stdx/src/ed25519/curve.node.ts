import { createPrivateKey, createPublicKey, sign as signWith, verify } from 'node:crypto';
import { concatBytes } from '../bytes.js';

// The DER before the 32 bytes of a key (RFC 8410, 4 and 7): SubjectPublicKeyInfo and PKCS #8.
const SPKI = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);
const PKCS8 = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);

const privateKey = (secret: Uint8Array): ReturnType<typeof createPrivateKey> =>
  createPrivateKey({ key: Buffer.from(concatBytes([PKCS8, secret])), format: 'der', type: 'pkcs8' });

/** Ed25519 of the platform (OpenSSL); see `curve.ts`. */
export function publicKeyOf(secret: Uint8Array): Uint8Array {
  const der = createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(SPKI.length));
}

export const sign = (secret: Uint8Array, message: Uint8Array): Uint8Array =>
  new Uint8Array(signWith(null, message, privateKey(secret)));

/** OpenSSL compares R with the encoding that it computes itself, and refuses an S that is not below the group's order. */
export function satisfies(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(concatBytes([SPKI, publicKey])), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
}
