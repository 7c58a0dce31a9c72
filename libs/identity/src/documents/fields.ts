import { DIGEST_PATTERN, NAME_PATTERN, RUN_ID_PATTERN } from '@consilium/stdx';
import type { Branded, Digest, RunId, SiteName, StudyName } from '@consilium/stdx';
import { z } from 'zod';

/** The fields that signed documents are made of, each in exactly one spelling. */

/** A person's pseudonym, minted by the coordinator; who it is stands in no signed document. */
export type PersonId = Branded<'PersonId'>;
export const PERSON_ID_PATTERN = /^person-[0-9a-z]{10,26}$/;

const branded = <T extends string>(pattern: RegExp, expected: string) =>
  z
    .string()
    .regex(pattern, expected)
    .transform((text) => text as T);

export const federation = z.string().regex(NAME_PATTERN, 'a federation name of lower-case letters, digits and hyphens');
export const site = branded<SiteName>(NAME_PATTERN, 'a site name of lower-case letters, digits and hyphens');
export const study = branded<StudyName>(NAME_PATTERN, 'a study name of lower-case letters, digits and hyphens');
export const run = branded<RunId>(RUN_ID_PATTERN, 'a run’s id');
export const person = branded<PersonId>(PERSON_ID_PATTERN, 'a person’s id');
export const digest = branded<Digest>(DIGEST_PATTERN, 'a SHA-256 digest of 64 hexadecimal digits');

/** An Ed25519 public key: base64 of 32 bytes, whose last character has its two lowest bits clear. */
export const publicKey = z.string().regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'base64 of a key of 32 bytes');

/** A PKCS #10 request: base64 of its DER. Its text is checked when it is decoded. */
export const csr = z.string().regex(/^[A-Za-z0-9+/]{4,2048}={0,2}$/, 'base64 of a certificate request');

/** 16 random bytes, so that no two requests are the same document. */
export const nonce = z.string().regex(/^[0-9a-f]{32}$/, 'a nonce of 32 hexadecimal digits');

/** ISO 3166-1 alpha-2. */
export const jurisdiction = z.string().regex(/^[A-Z]{2}$/, 'a country’s code of ISO 3166-1 alpha-2, as DE');

/** UTC milliseconds since 1970. */
export const milliseconds = z.int().min(0);
export const round = z.int().min(1).max(1_000_000);
export const attempt = z.int().min(1).max(1_000);

/** Texts that people judge: no control character and no override of the writing direction, which could hide the rest. */
const UNSEEN = '\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff';
export const line = z
  .string()
  .min(1)
  .max(200)
  .regex(new RegExp(`^[^${UNSEEN}\\n]+$`, 'u'), 'one line of visible text');
export const text = z
  .string()
  .min(1)
  .max(2000)
  .regex(new RegExp(`^[^${UNSEEN}]+$`, 'u'), 'lines of visible text');

/** Whether each key of a list is greater than the one before it, by UTF-16 code units as in RFC 8785: sorted, each once. */
export const ascending = (keys: readonly string[]): boolean => keys.every((key, i) => i === 0 || keys[i - 1]! < key);
