import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SecretHash } from './store.js';

/** 256 random bits as 43 characters that may stand in a header, a URL and a shell. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/**
 * How a random secret is kept. A fast hash suffices, since nobody guesses 80 bits or more; a password is not one.
 */
export const hashOf = (secret: string): SecretHash => sha256(secret).toString('hex') as SecretHash;

/** Takes the same time wherever they differ: digests have one length, which `timingSafeEqual` demands. */
export const sameSecret = (given: string, expected: string): boolean =>
  timingSafeEqual(sha256(given), sha256(expected));

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
