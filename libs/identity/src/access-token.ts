import { jwtVerify, SignJWT, type JWK } from 'jose';
import { Fault, parseShape } from '@consilium/stdx';
import { z } from 'zod';
import { decodeBase64Url, encodeBase64Url } from './base64.js';
import { person, type PersonId } from './documents/fields.js';
import { secureRandom, type RandomBytes, type SoftwareKey } from './keys/signing-key.js';

/** How long an access token is good, in seconds: revoking a role works at the latest then. */
export const ACCESS_TOKEN_SECONDS = 600;
/** How far two clocks may differ, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 60;
const TYPE = 'at+jwt';
const TOKEN_CHARACTERS_MAX = 4096;

/** Who calls, in which roles, and when they last proved it. */
export interface AccessClaims {
  readonly person: PersonId;
  readonly roles: readonly string[];
  /** When the person last logged in, UTC milliseconds in whole seconds: a step-up asks for a fresh one. */
  readonly authMs: number;
  /** UTC milliseconds after which the token is refused. */
  readonly expiresMs: number;
}

const claimsSchema = z.object({
  sub: person,
  roles: z.array(z.string().regex(/^[a-z][a-z-]{0,62}$/)).max(16),
  auth_time: z.int().min(0),
  exp: z.int().min(0),
});

/**
 * Makes an access token of RFC 9068: a JWT signed with Ed25519, of type `at+jwt`, for one audience, for ten minutes.
 * The key is one for access tokens only. `nowMs` and `authMs` are UTC milliseconds.
 */
export function issueAccessToken(terms: {
  person: string;
  roles: readonly string[];
  authMs: number;
  key: SoftwareKey;
  issuer: string;
  audience: string;
  nowMs: number;
  random?: RandomBytes;
}): Promise<string> {
  const { key, random = secureRandom } = terms;
  const now = Math.floor(terms.nowMs / 1000);
  return new SignJWT({
    client_id: 'consilium',
    roles: [...terms.roles],
    auth_time: Math.floor(terms.authMs / 1000),
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE })
    .setIssuer(terms.issuer)
    .setAudience(terms.audience)
    .setSubject(terms.person)
    .setIssuedAt(now)
    .setExpirationTime(now + ACCESS_TOKEN_SECONDS)
    .setJti(encodeBase64Url(random(16)))
    .sign({ ...jwkOf(key.publicKey), d: encodeBase64Url(key.exportSecret()) });
}

/**
 * The claims of an access token that is good now for this audience. The algorithm is ours, never the token's, so that
 * neither `none` nor a MAC with the public key passes (RFC 8725, 3.1). ACCESS_TOKEN_INVALID for anything else.
 */
export async function verifyAccessToken(
  token: string,
  expected: { publicKey: Uint8Array; issuer: string; audience: string; nowMs: number },
): Promise<AccessClaims> {
  if (token.length > TOKEN_CHARACTERS_MAX)
    throw new Fault('ACCESS_TOKEN_INVALID', { charactersMax: TOKEN_CHARACTERS_MAX });
  // The library decodes leniently: without this a token would have several spellings.
  for (const part of token.split('.')) decodeBase64Url(part, 'ACCESS_TOKEN_INVALID');
  let payload: unknown;
  try {
    ({ payload } = await jwtVerify(token, jwkOf(expected.publicKey), {
      algorithms: ['EdDSA'],
      typ: TYPE,
      issuer: expected.issuer,
      audience: expected.audience,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      maxTokenAge: ACCESS_TOKEN_SECONDS,
      requiredClaims: ['sub', 'exp', 'iat', 'jti'],
      currentDate: new Date(expected.nowMs),
    }));
  } catch (error) {
    throw new Fault('ACCESS_TOKEN_INVALID', {}, error);
  }
  const { sub, roles, auth_time, exp } = parseShape(claimsSchema, payload, 'ACCESS_TOKEN_INVALID');
  return { person: sub, roles, authMs: auth_time * 1000, expiresMs: exp * 1000 };
}

const jwkOf = (publicKey: Uint8Array): JWK => ({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64Url(publicKey) });
