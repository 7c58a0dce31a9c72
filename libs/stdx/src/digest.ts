import { sha256 } from '@noble/hashes/sha2.js';
import { toHex, utf8 } from './bytes.js';
import { canonicalJson } from './json.js';
import type { Digest } from './ids.js';

/** SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits; for small inputs, since it is pure JavaScript. */
export const digestOf = (bytes: Uint8Array): Digest => toHex(sha256(bytes)) as Digest;

/** SHA-256 of the value's canonical JSON (RFC 8785). */
export const digestOfJson = (value: unknown): Digest => digestOf(utf8(canonicalJson(value)));
