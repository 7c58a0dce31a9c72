import { p256 } from '@noble/curves/nist.js';
import { hexToBytes } from '@noble/hashes/utils.js';
import { concatBytes, Fault, toHex, type Code } from '@consilium/stdx';
import { decodeBase64Url } from '../base64.js';
import { ALGORITHM, readPrivateKey } from '../certificates/x509.js';

/** SubjectPublicKeyInfo of an uncompressed point on P-256 (RFC 5480, 2), up to the point's 64 bytes. */
const SPKI_HEAD = hexToBytes('3059301306072a8648ce3d020106082a8648ce3d03010703420004');

/** The point in a SubjectPublicKeyInfo; `code` for any other curve, form or kind of key. */
export function p256Point(spki: Uint8Array, code: Code): Uint8Array {
  const point = spki.subarray(SPKI_HEAD.byteLength - 1);
  const sameHead = SPKI_HEAD.every((byte, i) => byte === spki[i]);
  // An invalid point, or one of another length, is refused by the library.
  if (!sameHead || !p256.utils.isValidPublicKey(point, false)) {
    throw new Fault(code, { expected: 'a public key on P-256' });
  }
  return point;
}

/**
 * Whether an ECDSA signature (SHA-256, DER) is the key's over the message. With `lowS` only the lesser of the two
 * values of S counts, since (r, n − s) is valid wherever (r, s) is: a document has one signature and not two.
 */
export function verifyP256(
  point: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  { lowS }: { readonly lowS: boolean },
): boolean {
  try {
    const canonical = p256.Signature.fromBytes(signature, 'der').toBytes('der');
    return toHex(canonical) === toHex(signature) && p256.verify(signature, message, point, { format: 'der', lowS });
  } catch {
    return false; // Not the DER of two numbers in range.
  }
}

/** Signs with a private key in PKCS #8 PEM: low S, DER. CERTIFICATE_INVALID where the key cannot be read. */
export async function signP256(
  privateKeyPem: string,
  message: Uint8Array,
): Promise<{ readonly spki: Uint8Array; readonly signature: Uint8Array }> {
  const { subtle } = globalThis.crypto;
  const key = await readPrivateKey(privateKeyPem, { extractable: true });
  const raw = await subtle.sign(ALGORITHM, key, message.slice());
  const { r, s } = p256.Signature.fromBytes(new Uint8Array(raw), 'compact');
  const signature = new p256.Signature(r, s <= p256.Point.Fn.neg(s) ? s : p256.Point.Fn.neg(s)).toBytes('der');
  const { x, y } = await subtle.exportKey('jwk', key);
  const coordinates = [x!, y!].map((coordinate) => decodeBase64Url(coordinate, 'CERTIFICATE_INVALID'));
  return { spki: concatBytes([SPKI_HEAD, ...coordinates]), signature };
}
