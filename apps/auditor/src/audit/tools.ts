import { createHash } from 'node:crypto';
import { decodePublicKey } from '@consilium/identity';
import type { Digest } from '@consilium/stdx';
import { Memo } from './memo.js';

/** What an audit computes with. The memories are shared by the audits that are given the same tools. */
export interface Tools {
  /** SHA-256, 32 bytes. */
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  /** SHA-256 in hexadecimal; the same array is hashed once. */
  readonly digest: (bytes: Uint8Array) => Digest;
  /** A public key of its text form, {@link decodePublicKey}: whether it is sound takes a millisecond, so once for each. */
  readonly key: (text: string) => Uint8Array;
  /** Whole logs, by the contents of their files: few, since each holds its entries. */
  readonly logs: Memo;
  /** Signatures, plans and aggregates, by the contents that they are over. */
  readonly checks: Memo;
}

/** A key beyond these is decoded each time; a federation has fewer. */
const KEYS_MAX = 10_000;

export function nodeTools(): Tools {
  const digests = new WeakMap<Uint8Array, Digest>();
  const digest = (bytes: Uint8Array): Digest => {
    const known = digests.get(bytes) ?? (createHash('sha256').update(bytes).digest('hex') as Digest);
    digests.set(bytes, known);
    return known;
  };
  const keys = new Map<string, Uint8Array>();
  const key = (text: string): Uint8Array => {
    const known = keys.get(text) ?? decodePublicKey(text);
    if (keys.size < KEYS_MAX) keys.set(text, known);
    return known;
  };
  const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
  return { hash, digest, key, logs: new Memo(64), checks: new Memo(8192) };
}
