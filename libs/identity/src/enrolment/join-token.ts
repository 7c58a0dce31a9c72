import {
  canonicalJson,
  digestOf,
  Fault,
  fromUtf8,
  parseShape,
  utf8,
  type Digest,
  type SiteName,
} from '@consilium/stdx';
import { z } from 'zod';
import { decodeBase64Url, encodeBase64Url } from '../base64.js';
import { digest, federation, site } from '../documents/fields.js';
import { secureRandom, type RandomBytes } from '../keys/signing-key.js';

const PREFIX = 'consilium-join.';
const SECRET_BYTES = 32;
const TEXT_CHARACTERS_MAX = 2048;

const schema = z.strictObject({
  v: z.literal(1),
  federation,
  site,
  address: z.string().regex(/^[A-Za-z0-9.[\]:-]{1,260}:\d{1,5}$/, 'HOST:PORT'),
  root: digest,
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a secret of 256 bits'),
});

/** What an invited site is told: where to go, whom to meet there, and the secret that lets it in once. */
export interface JoinToken {
  readonly federation: string;
  readonly site: SiteName;
  /** HOST:PORT of the coordinator. */
  readonly address: string;
  /** SHA-256 of the root's certificate (DER): first contact is pinned, nothing is trusted on first use. */
  readonly rootDigest: Digest;
  /** 256 random bits as base64url. */
  readonly secret: string;
  /** SHA-256 of the secret: all that the coordinator keeps of it. */
  readonly digest: Digest;
}

export interface Invitation {
  readonly federation: string;
  readonly site: SiteName;
  readonly address: string;
  readonly rootDigest: Digest;
  readonly random?: RandomBytes;
}

/** A new one-time token, as the text that an admin sends to a hospital. REQUEST_INVALID for a wrong address. */
export function newJoinToken({ random = secureRandom, rootDigest: root, ...invited }: Invitation): JoinToken & {
  readonly text: string;
} {
  const secret = encodeBase64Url(random(SECRET_BYTES));
  const content = parseShape(schema, { v: 1, ...invited, root, secret }, 'REQUEST_INVALID');
  return { ...tokenOf(content), text: PREFIX + encodeBase64Url(utf8(canonicalJson(content))) };
}

/** Reads a token's text, white space around it aside. JOIN_TOKEN_INVALID for anything but a whole one. */
export function parseJoinToken(text: string): JoinToken {
  const token = text.trim();
  if (!token.startsWith(PREFIX) || token.length > TEXT_CHARACTERS_MAX) {
    throw new Fault('JOIN_TOKEN_INVALID', { expected: `a text that begins with ${PREFIX}` });
  }
  const bytes = decodeBase64Url(token.slice(PREFIX.length), 'JOIN_TOKEN_INVALID');
  let content: unknown;
  try {
    content = JSON.parse(fromUtf8(bytes));
  } catch (error) {
    throw new Fault('JOIN_TOKEN_INVALID', { expected: 'a whole token' }, error);
  }
  return tokenOf(parseShape(schema, content, 'JOIN_TOKEN_INVALID'));
}

/** SHA-256 of a token's secret as it is written: what the coordinator compares and the request to join names. */
export const joinTokenDigest = (secret: string): Digest => digestOf(utf8(secret));

const tokenOf = ({ root, secret, federation: of, site: name, address }: z.infer<typeof schema>): JoinToken => ({
  federation: of,
  site: name,
  address,
  rootDigest: root,
  secret,
  digest: joinTokenDigest(secret),
});
