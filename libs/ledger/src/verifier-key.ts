import { concatBytes, ED25519_KEY_BYTES, Fault, invariant, toHex, utf8 } from '@consilium/stdx';
import { decodeBase64, encodeBase64 } from './base64.js';
import { plainHash, sameBytes } from './hash.js';

/** Whoever holds a secret Ed25519 key (RFC 8032). `publicKey` has 32 bytes, a signature 64. */
export interface Signer {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** C2SP signed-note: a log signs its own checkpoint. */
export const LOG_SIGNATURE = 0x01;
/** C2SP tlog-cosignature: a witness signs, with a time, somebody else's. */
export const COSIGNATURE = 0x04;
export type SignatureType = typeof LOG_SIGNATURE | typeof COSIGNATURE;

/** A key under the name by which its signatures stand in notes (C2SP signed-note, “vkey”). */
export interface VerifierKey {
  readonly name: string;
  readonly type: SignatureType;
  /** The 32 bytes of an Ed25519 public key. */
  readonly publicKey: Uint8Array;
}

/** Not empty, no spaces of any kind, no plus, no control characters. */
export const isKeyName = (name: string): boolean => /^[^\s+\p{Cc}\p{Z}\p{Cs}]{1,200}$/u.test(name);

export function verifierKey(name: string, type: SignatureType, publicKey: Uint8Array): VerifierKey {
  invariant(isKeyName(name), 'a key name has no spaces and no plus');
  invariant(publicKey.byteLength === ED25519_KEY_BYTES, 'an Ed25519 public key has 32 bytes');
  return { name, type, publicKey };
}

/** The four bytes that name the key in a signature line: SHA-256(name ‖ 0x0A ‖ type ‖ public key), cut. */
export const noteKeyId = ({ name, type, publicKey }: VerifierKey): Uint8Array =>
  plainHash(concatBytes([utf8(`${name}\n`), Uint8Array.of(type), publicKey])).slice(0, NOTE_KEY_ID_BYTES);

/** `name+id+base64(type ‖ public key)`, as C2SP signed-note has it. */
export const encodeVerifierKey = (key: VerifierKey): string =>
  `${key.name}+${toHex(noteKeyId(key))}+${encodeBase64(concatBytes([Uint8Array.of(key.type), key.publicKey]))}`;

/** Reads what `encodeVerifierKey` writes, and nothing else: LEDGER_NOTE_INVALID. */
export function parseVerifierKey(text: string): VerifierKey {
  // Base64 may hold a plus itself; a name and an id do not.
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const [type, ...publicKey] = decodeBase64(encoded ?? '') ?? [];
  if (name === undefined || !isKeyName(name) || publicKey.length !== ED25519_KEY_BYTES) throw invalidKey();
  if (type !== LOG_SIGNATURE && type !== COSIGNATURE) throw invalidKey();
  const key = verifierKey(name, type, Uint8Array.from(publicKey));
  if (toHex(noteKeyId(key)) !== id) throw invalidKey();
  return key;
}

const invalidKey = (): Fault => new Fault('LEDGER_NOTE_INVALID', { what: 'verifier key' });

export const sameKey = (a: VerifierKey, b: VerifierKey): boolean =>
  a.name === b.name && a.type === b.type && sameBytes(a.publicKey, b.publicKey);

export const NOTE_KEY_ID_BYTES = 4;
