import { z } from 'zod';
import { csr, digest, federation, milliseconds, nonce, publicKey, site } from './fields.js';

/**
 * How a site becomes one and stays one. Each request is signed with the site's signing key and carries a request for a
 * TLS certificate that the new TLS key has signed itself: together they prove the possession of both keys.
 */

/** A one-time token handed in. Signed with the new key that it names. */
export const joinSchema = z.strictObject({
  schema: z.literal('consilium.join/1'),
  federation,
  site,
  /** SHA-256 of the token's secret: the signature binds this token, and whoever reads the document learns it not. */
  token: digest,
  csr,
  signing: publicKey,
  atMs: milliseconds,
});

/** Asks whether an admin has admitted the site. Signed with the key that joined. */
export const collectSchema = z.strictObject({
  schema: z.literal('consilium.collect/1'),
  federation,
  site,
  atMs: milliseconds,
  nonce,
});

/** A certificate for a new TLS key. Signed with the enrolled key: a stolen leaf renews nothing. */
export const renewSchema = z.strictObject({
  schema: z.literal('consilium.renew/1'),
  federation,
  site,
  csr,
  atMs: milliseconds,
  nonce,
});

/** Another signing key. Signed with the enrolled key and the new one. */
export const rekeySchema = z.strictObject({
  schema: z.literal('consilium.rekey/1'),
  federation,
  site,
  signing: publicKey,
  csr,
  atMs: milliseconds,
  nonce,
});

export type Join = z.infer<typeof joinSchema>;
export type Collect = z.infer<typeof collectSchema>;
export type Renew = z.infer<typeof renewSchema>;
export type Rekey = z.infer<typeof rekeySchema>;
