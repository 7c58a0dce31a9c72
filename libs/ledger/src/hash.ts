import { sha256 } from '@noble/hashes/sha2.js';

/** SHA-256: 32 bytes for any bytes, which it must not keep. Programs on Node inject `node:crypto`'s, which is about three times as fast. */
export type Hash = (bytes: Uint8Array) => Uint8Array;

/** SHA-256 in plain JavaScript, for the browser and wherever speed does not matter. */
export const plainHash: Hash = (bytes) => sha256(bytes);

export const HASH_BYTES = 32;

/** The prefixes that keep a leaf from being passed off as a node (RFC 6962, section 2.1). */
const LEAF = 0x00;
const NODE = 0x01;

/** The root of a tree without entries: SHA-256 of nothing. */
export const emptyRoot = (): Uint8Array => plainHash(new Uint8Array());

/** The hash of an entry as a leaf: SHA-256(0x00 ‖ entry), RFC 6962, section 2.1. */
export function leafHash(entry: Uint8Array, hash: Hash = plainHash): Uint8Array {
  const message = scratch(1 + entry.byteLength);
  message[0] = LEAF;
  message.set(entry, 1);
  return hash(message);
}

/** The hash of a node above two others of 32 bytes: SHA-256(0x01 ‖ left ‖ right), RFC 6962, section 2.1. */
export function nodeHash(left: Uint8Array, right: Uint8Array, hash: Hash = plainHash): Uint8Array {
  const message = scratch(1 + 2 * HASH_BYTES);
  message[0] = NODE;
  message.set(left, 1);
  message.set(right, 1 + HASH_BYTES);
  return hash(message);
}

/** Where messages are put together: a log has two of them for every entry, which would be most of its garbage. */
const SCRATCH = new Uint8Array(8192);
const scratch = (length: number): Uint8Array =>
  length <= SCRATCH.byteLength ? SCRATCH.subarray(0, length) : new Uint8Array(length);

/** Whether two byte strings are the same; not in constant time, since hashes here are public. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
