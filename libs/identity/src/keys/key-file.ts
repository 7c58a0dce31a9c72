import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { scrypt } from '@noble/hashes/scrypt.js';
import { ED25519_KEY_BYTES, Fault, parseShape, utf8 } from '@consilium/stdx';
import { z } from 'zod';
import { decodeBase64, encodeBase64 } from '../base64.js';
import { encodePublicKey, secureRandom, signingKeyFrom, type RandomBytes, type SoftwareKey } from './signing-key.js';

const SALT_BYTES = 16;
const NONCE_BYTES = 24;
/** The secret and the 16 bytes of Poly1305's tag. */
const SEALED_BYTES = ED25519_KEY_BYTES + 16;
/** 32 MiB and some tenths of a second for each guess (RFC 7914, 2). */
const SCRYPT = { n: 32_768, r: 8, p: 1 } as const;

const schema = z.literal('consilium.key/1');
const base64 = z.string().max(200);
const keyFileSchema = z.union([
  z.strictObject({ schema, public: base64, secret: base64 }),
  z.strictObject({
    schema,
    public: base64,
    // Exactly these: a file must not be able to ask its reader for gigabytes.
    kdf: z.strictObject({
      name: z.literal('scrypt'),
      n: z.literal(SCRYPT.n),
      r: z.literal(SCRYPT.r),
      p: z.literal(SCRYPT.p),
      salt: base64,
    }),
    nonce: base64,
    sealed: base64,
  }),
]);

/**
 * A signing key as the text of its file, for mode 600. With a passphrase the secret is sealed: scrypt (RFC 7914) makes
 * a key of it, XChaCha20-Poly1305 encrypts, and the public key is bound as associated data, so that a sealed secret
 * cannot be put under another public key. Without one, whoever reads the file has the key.
 */
export function encodeKeyFile(key: SoftwareKey, passphrase?: string, random: RandomBytes = secureRandom): string {
  const head = { schema: 'consilium.key/1', public: encodePublicKey(key.publicKey) };
  if (passphrase === undefined) return file({ ...head, secret: encodeBase64(key.exportSecret()) });
  if (passphrase === '') throw new Fault('REQUEST_INVALID', { field: 'passphrase', expected: 'a passphrase' });
  const [salt, nonce] = [random(SALT_BYTES), random(NONCE_BYTES)];
  const sealed = xchacha20poly1305(keyOf(passphrase, salt), nonce, key.publicKey).encrypt(key.exportSecret());
  return file({
    ...head,
    kdf: { name: 'scrypt', ...SCRYPT, salt: encodeBase64(salt) },
    nonce: encodeBase64(nonce),
    sealed: encodeBase64(sealed),
  });
}

/**
 * The signing key in a key file's text.
 *
 * Faults: KEY_LOCKED (sealed, and the passphrase is missing or another one; a damaged seal looks the same), KEY_INVALID
 * (anything else, also a secret that is not the public key's).
 */
export function decodeKeyFile(text: string, passphrase?: string): SoftwareKey {
  const content = parseShape(keyFileSchema, parseJson(text), 'KEY_INVALID');
  const publicKey = bytesOf(content.public, ED25519_KEY_BYTES);
  const secret =
    'secret' in content
      ? bytesOf(content.secret, ED25519_KEY_BYTES)
      : unseal(passphrase, {
          publicKey,
          salt: bytesOf(content.kdf.salt, SALT_BYTES),
          nonce: bytesOf(content.nonce, NONCE_BYTES),
          sealed: bytesOf(content.sealed, SEALED_BYTES),
        });
  const key = signingKeyFrom(secret);
  if (encodePublicKey(key.publicKey) !== content.public) {
    throw new Fault('KEY_INVALID', { expected: 'the secret of the public key beside it' });
  }
  return key;
}

/** The public key in a key file's text, which needs no passphrase. A sealed file is believed: it may still not open. */
export function publicKeyOfFile(text: string): { readonly publicKey: Uint8Array; readonly sealed: boolean } {
  const content = parseShape(keyFileSchema, parseJson(text), 'KEY_INVALID');
  return { publicKey: bytesOf(content.public, ED25519_KEY_BYTES), sealed: 'sealed' in content };
}

interface Sealed {
  readonly publicKey: Uint8Array;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

function unseal(passphrase: string | undefined, { publicKey, salt, nonce, sealed }: Sealed): Uint8Array {
  if (passphrase === undefined) throw new Fault('KEY_LOCKED', { expected: 'a passphrase' });
  try {
    return xchacha20poly1305(keyOf(passphrase, salt), nonce, publicKey).decrypt(sealed);
  } catch (error) {
    throw new Fault('KEY_LOCKED', { expected: 'the passphrase with which it was sealed' }, error);
  }
}

/** NFKC, since the same letters come in several encodings from several keyboards (NIST SP 800-63B, 5.1.1.2). */
const keyOf = (passphrase: string, salt: Uint8Array): Uint8Array =>
  scrypt(utf8(passphrase.normalize('NFKC')), salt, { N: SCRYPT.n, r: SCRYPT.r, p: SCRYPT.p, dkLen: 32 });

const file = (content: object): string => `${JSON.stringify(content)}\n`;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault('KEY_INVALID', { expected: 'a key file' }, error);
  }
}

function bytesOf(text: string, length: number): Uint8Array {
  const bytes = decodeBase64(text, 'KEY_INVALID');
  if (bytes.byteLength !== length)
    throw new Fault('KEY_INVALID', { expectedBytes: length, cameBytes: bytes.byteLength });
  return bytes;
}
