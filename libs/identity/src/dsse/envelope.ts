import { Fault, verifyEd25519, type Digest } from '@consilium/stdx';
import { keyId, type SigningKey } from '../keys/signing-key.js';
import type { DocumentOf, DocumentType } from '../documents/types.js';
import { payloadBytesOf, readFrame, readPayload, signedBytes, writeFrame, type Frame } from './frame.js';

/** Documents whose signatures are Ed25519: all but the roster, which the root's P-256 key signs. */
export type SignedType = Exclude<DocumentType, 'roster'>;

/**
 * Whose signatures a document must carry, as Ed25519 public keys: each of `all`, and at least one of `any`. A signature
 * of anybody else is refused, so that nobody can make another document of the same meaning by adding one.
 */
export type RequiredSigners =
  | { readonly all: readonly Uint8Array[]; readonly any?: readonly Uint8Array[] }
  | { readonly all?: readonly Uint8Array[]; readonly any: readonly Uint8Array[] };

/** A document that was opened, with who signed it. */
export interface OpenedEnvelope<T extends SignedType> {
  readonly payload: DocumentOf<T>;
  /** The payload's canonical JSON: a plan's digest is SHA-256 of these bytes. */
  readonly payloadBytes: Uint8Array;
  /** The public keys that signed, out of those required, in order of their ids. */
  readonly signers: readonly Uint8Array[];
}

/**
 * Opens a DSSE envelope of one type. There is no way to a payload that does not name whose signatures it must carry.
 *
 * Faults: ENVELOPE_INVALID (another type, another spelling, not what the schema promises), SIGNATURE_INVALID (a
 * signature that does not fit, or of a key that was not named), SIGNATURE_MISSING (a named key has not signed).
 */
export function openEnvelope<T extends SignedType>(
  bytes: Uint8Array,
  type: T,
  required: RequiredSigners,
): OpenedEnvelope<T> {
  const frame = readFrame(bytes, type);
  const signers = verifyFrame(frame, required);
  return { payload: readPayload(frame), payloadBytes: frame.payloadBytes, signers };
}

/** Signs a document with one or more keys. The bytes are the document: its digest is their SHA-256. */
export function signEnvelope<T extends SignedType>(
  type: T,
  payload: DocumentOf<T>,
  keys: readonly SigningKey[],
): Uint8Array {
  const payloadBytes = payloadBytesOf(type, payload);
  const unsigned: Frame<T> = { type, payloadBytes, signatures: [] };
  return writeFrame(keys.reduce<Frame<T>>(withSignature, unsigned));
}

/**
 * Adds a key's signature to a document, which thereby becomes another document. The same key's second signature changes
 * nothing. The signatures that are there are not verified: whoever signs has opened the document before.
 */
export function addSignature(bytes: Uint8Array, type: SignedType, key: SigningKey): Uint8Array {
  return writeFrame(withSignature(readFrame(bytes, type), key));
}

/**
 * Whose keys a document says it was signed with, to look them up by. It proves nothing: `openEnvelope` does, with the
 * keys that were found.
 */
export const claimedSigners = (bytes: Uint8Array, type: SignedType): readonly Digest[] =>
  readFrame(bytes, type).signatures.map(({ keyid }) => keyid);

/**
 * Opens a document with keys of which one stands in the document itself (`signing`): it proves that whoever wrote it
 * holds that key. `others` are known beforehand and must have signed as well.
 */
export function openSelfSigned<T extends 'join' | 'rekey'>(
  bytes: Uint8Array,
  type: T,
  ownKey: (payload: DocumentOf<T>) => Uint8Array,
  others: readonly Uint8Array[],
): DocumentOf<T> {
  const frame = readFrame(bytes, type);
  const payload = readPayload(frame);
  verifyFrame(frame, { all: [ownKey(payload), ...others] });
  return payload;
}

function verifyFrame(frame: Frame<SignedType>, { all = [], any }: RequiredSigners): readonly Uint8Array[] {
  const allowed = new Map([...all, ...(any ?? [])].map((key) => [keyId(key), key]));
  const message = signedBytes(frame);
  const signers = frame.signatures.map(({ keyid, bytes }) => {
    const key = allowed.get(keyid);
    if (!key) throw new Fault('SIGNATURE_INVALID', { keyid, expected: 'signatures of those who must or may sign' });
    if (!verifyEd25519(key, message, bytes)) throw new Fault('SIGNATURE_INVALID', { keyid });
    return key;
  });
  const signed = new Set(signers.map(keyId));
  const missing = all.filter((key) => !signed.has(keyId(key)));
  // An empty `any` is nobody, not everybody: a site without approvers approves nothing.
  const oneOfAny = any === undefined || any.some((key) => signed.has(keyId(key)));
  if (missing.length > 0 || !oneOfAny) {
    throw new Fault('SIGNATURE_MISSING', { missing: missing.length + (oneOfAny ? 0 : 1) });
  }
  return signers;
}

function withSignature<T extends SignedType>(frame: Frame<T>, key: SigningKey): Frame<T> {
  const keyid = keyId(key.publicKey);
  const others = frame.signatures.filter((signature) => signature.keyid !== keyid);
  return { ...frame, signatures: [...others, { keyid, bytes: key.sign(signedBytes(frame)) }] };
}
