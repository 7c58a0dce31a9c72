import { createHash } from 'node:crypto';
import type { Digest } from '@consilium/stdx';

/** SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits; the system's own, since updates may be large. */
export const sha256Of = (bytes: Uint8Array): Digest => createHash('sha256').update(bytes).digest('hex') as Digest;
