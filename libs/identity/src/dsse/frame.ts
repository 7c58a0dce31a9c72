import { canonicalJson, concatBytes, Fault, fromUtf8, parseShape, utf8, type Digest } from '@consilium/stdx';
import { z } from 'zod';
import { decodeBase64, encodeBase64 } from '../base64.js';
import { DOCUMENT_SCHEMAS, payloadTypeOf, type DocumentOf, type DocumentType } from '../documents/types.js';
import { ascending, digest } from '../documents/fields.js';

/** Larger than any document of ours, and small enough to parse without thinking. */
export const ENVELOPE_BYTES_MAX = 1024 * 1024;

/** One signature: by whose key (SHA-256 of the public key), and its bytes. */
export interface Signature {
  readonly keyid: Digest;
  readonly bytes: Uint8Array;
}

/** An envelope taken apart. Nothing is verified yet: it stays inside this library until signatures are. */
export interface Frame<T extends DocumentType> {
  readonly type: T;
  readonly payloadBytes: Uint8Array;
  readonly signatures: readonly Signature[];
}

const frameSchema = z.strictObject({
  payload: z.string().max(ENVELOPE_BYTES_MAX),
  payloadType: z.string().max(100),
  signatures: z
    .array(z.strictObject({ keyid: digest, sig: z.string().min(1).max(200) }))
    .min(1)
    .max(32)
    .refine((signatures) => ascending(signatures.map(({ keyid }) => keyid)), 'signatures in order of keyid, each once'),
});

/** What is signed: DSSE's pre-authentication encoding, which binds type and payload and has one reading only. */
export const signedBytes = ({ type, payloadBytes }: Pick<Frame<DocumentType>, 'type' | 'payloadBytes'>): Uint8Array => {
  const payloadType = payloadTypeOf(type);
  return concatBytes([utf8(`DSSEv1 ${payloadType.length} ${payloadType} ${payloadBytes.byteLength} `), payloadBytes]);
};

/** A document as its canonical JSON (RFC 8785). ENVELOPE_INVALID where it is not what its schema promises. */
export const payloadBytesOf = <T extends DocumentType>(type: T, document: DocumentOf<T>): Uint8Array =>
  utf8(canonicalJson(parseShape<unknown>(DOCUMENT_SCHEMAS[type], document, 'ENVELOPE_INVALID')));

/** The envelope's bytes: canonical JSON with the signatures in order of keyid, so that there is one envelope of them. */
export function writeFrame({ type, payloadBytes, signatures }: Frame<DocumentType>): Uint8Array {
  const ordered = [...signatures].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  return utf8(
    canonicalJson({
      payload: encodeBase64(payloadBytes),
      payloadType: payloadTypeOf(type),
      signatures: ordered.map(({ keyid, bytes }) => ({ keyid, sig: encodeBase64(bytes) })),
    }),
  );
}

/** Takes an envelope of one type apart. ENVELOPE_INVALID for any other type and any other spelling of the same thing. */
export function readFrame<T extends DocumentType>(bytes: Uint8Array, type: T): Frame<T> {
  const { payload, payloadType, signatures } = parseShape(frameSchema, readCanonical(bytes), 'ENVELOPE_INVALID');
  if (payloadType !== payloadTypeOf(type)) {
    throw new Fault('ENVELOPE_INVALID', { path: 'payloadType', expected: payloadTypeOf(type) });
  }
  return {
    type,
    payloadBytes: decodeBase64(payload, 'ENVELOPE_INVALID'),
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, bytes: decodeBase64(sig, 'ENVELOPE_INVALID') })),
  };
}

/** The document in a frame whose signatures were verified. */
export function readPayload<T extends DocumentType>({ type, payloadBytes }: Frame<T>): DocumentOf<T> {
  const document = parseShape<unknown>(DOCUMENT_SCHEMAS[type], readCanonical(payloadBytes), 'ENVELOPE_INVALID');
  return document as DocumentOf<T>;
}

/**
 * The value of canonical JSON bytes. They are compared as bytes with what the value would be written as, since a
 * decoder of UTF-8 drops a byte order mark and a parser of JSON drops all keys of a name but the last.
 */
function readCanonical(bytes: Uint8Array): unknown {
  if (bytes.byteLength > ENVELOPE_BYTES_MAX) throw new Fault('ENVELOPE_INVALID', { bytesMax: ENVELOPE_BYTES_MAX });
  let value: unknown;
  let canonical: Uint8Array;
  try {
    value = JSON.parse(fromUtf8(bytes));
    canonical = utf8(canonicalJson(value));
  } catch (error) {
    throw new Fault('ENVELOPE_INVALID', { expected: 'canonical JSON' }, error);
  }
  const same = canonical.byteLength === bytes.byteLength && canonical.every((byte, i) => byte === bytes[i]);
  if (!same) throw new Fault('ENVELOPE_INVALID', { expected: 'canonical JSON (RFC 8785)' });
  return value;
}
