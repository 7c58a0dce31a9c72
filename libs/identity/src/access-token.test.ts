import { createHmac, createPrivateKey, sign as nodeSign } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { concatBytes } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { ACCESS_TOKEN_SECONDS, issueAccessToken, newSigningKey, signingKeyFrom, verifyAccessToken } from './index.js';
import { codeOfAsync } from './judge.fixture.js';

const key = signingKeyFrom(new Uint8Array(32).fill(5));
const NOW = Date.UTC(2026, 2, 1, 12);
const MINUTE_MS = 60_000;
const expected = { publicKey: key.publicKey, issuer: 'https://hub.example.org', audience: 'consilium', nowMs: NOW };
const terms = {
  person: 'person-0123456789',
  roles: ['admin', 'site-operator'],
  authMs: NOW - MINUTE_MS,
  key,
  issuer: expected.issuer,
  audience: expected.audience,
  nowMs: NOW,
};

let token: string;
beforeAll(async () => {
  token = await issueAccessToken(terms);
});
const judge = (text: string, more: Partial<typeof expected> = {}) =>
  codeOfAsync(verifyAccessToken(text, { ...expected, ...more }));

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decoded = (index: number): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[index]!, 'base64url').toString()) as Record<string, unknown>;
const header = { alg: 'EdDSA', typ: 'at+jwt' };
/** A token with any header and claims, signed with the true key. */
const signed = (head: object, claims: object): string => {
  const input = `${part(head)}.${part(claims)}`;
  return `${input}.${Buffer.from(key.sign(new TextEncoder().encode(input))).toString('base64url')}`;
};

describe('an access token', () => {
  it('says who calls, in which roles, and when they proved it', async () => {
    expect(await verifyAccessToken(token, expected)).toEqual({
      person: 'person-0123456789',
      roles: ['admin', 'site-operator'],
      authMs: NOW - MINUTE_MS,
      expiresMs: NOW + ACCESS_TOKEN_SECONDS * 1000,
    });
  });

  it('has the form of RFC 9068', () => {
    expect(decoded(0)).toEqual(header);
    expect(decoded(1)).toEqual({
      iss: expected.issuer,
      aud: expected.audience,
      sub: terms.person,
      client_id: 'consilium',
      roles: terms.roles,
      auth_time: NOW / 1000 - 60,
      iat: NOW / 1000,
      exp: NOW / 1000 + 600,
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    });
  });

  it('is signed as Node signs', () => {
    const pkcs8 = concatBytes([Buffer.from('302e020100300506032b657004220420', 'hex'), key.exportSecret()]);
    const nodeKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
    const [head, claims, signature] = token.split('.');
    expect(nodeSign(null, Buffer.from(`${head}.${claims}`), nodeKey).toString('base64url')).toBe(signature);
  });

  it('is good for ten minutes, and a minute more or less for clocks that differ', async () => {
    expect(await judge(token, { nowMs: NOW - MINUTE_MS })).toBe('accepted');
    expect(await judge(token, { nowMs: NOW - MINUTE_MS - 1000 })).toBe('ACCESS_TOKEN_INVALID');
    expect(await judge(token, { nowMs: NOW + 11 * MINUTE_MS - 1000 })).toBe('accepted');
    expect(await judge(token, { nowMs: NOW + 11 * MINUTE_MS })).toBe('ACCESS_TOKEN_INVALID');
  });

  it('is another one each time', async () => {
    expect(await issueAccessToken(terms)).not.toBe(token);
    const fixed = { ...terms, random: () => new Uint8Array(16) };
    expect(await issueAccessToken(fixed)).toBe(await issueAccessToken(fixed));
  });
});

describe('an access token is refused', () => {
  const claims = () => decoded(1);

  it('but not the one that these refusals twist (the control)', async () => {
    expect(await judge(signed(header, claims()))).toBe('accepted');
  });

  it('of another issuer or for another audience, and of another key', async () => {
    expect(await judge(token, { issuer: 'https://other.example.org' })).toBe('ACCESS_TOKEN_INVALID');
    expect(await judge(token, { audience: 'auditor' })).toBe('ACCESS_TOKEN_INVALID');
    expect(await judge(token, { publicKey: newSigningKey().publicKey })).toBe('ACCESS_TOKEN_INVALID');
  });

  it('without a signature (alg none)', async () => {
    const none = new UnsecuredJWT(claims()).encode();
    expect(await judge(none)).toBe('ACCESS_TOKEN_INVALID');
    for (const alg of ['none', 'NONE', 'None']) {
      expect(await judge(`${part({ ...header, alg })}.${part(claims())}.`)).toBe('ACCESS_TOKEN_INVALID');
      expect(await judge(signed({ ...header, alg }, claims()))).toBe('ACCESS_TOKEN_INVALID');
    }
  });

  it('with a MAC made with the public key, which everybody has (HS256 confusion)', async () => {
    const input = `${part({ ...header, alg: 'HS256' })}.${part(claims())}`;
    for (const secret of [key.publicKey, Buffer.from(key.publicKey).toString('base64'), '']) {
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      expect(await judge(`${input}.${mac}`)).toBe('ACCESS_TOKEN_INVALID');
    }
    const byJose = new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(key.publicKey);
    expect(await judge(await byJose)).toBe('ACCESS_TOKEN_INVALID');
  });

  it('with a key of its own in the header', async () => {
    const mine = newSigningKey();
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(mine.publicKey).toString('base64url') };
    const input = `${part({ ...header, jwk })}.${part(claims())}`;
    const signature = Buffer.from(mine.sign(new TextEncoder().encode(input))).toString('base64url');
    expect(await judge(`${input}.${signature}`)).toBe('ACCESS_TOKEN_INVALID');
  });

  it.each(['JWT', 'id+jwt', 'at+jwt2', undefined])('of the type %s', async (typ) => {
    expect(await judge(signed({ alg: 'EdDSA', typ }, claims()))).toBe('ACCESS_TOKEN_INVALID');
  });

  it.each(['iss', 'aud', 'sub', 'exp', 'iat', 'jti', 'roles', 'auth_time'])('without its %s', async (claim) => {
    expect(await judge(signed(header, { ...claims(), [claim]: undefined }))).toBe('ACCESS_TOKEN_INVALID');
  });

  it.each<[string, object]>([
    ['that lives longer than ten minutes', { iat: NOW / 1000 - 3600, exp: NOW / 1000 + 3600 }],
    ['of somebody by name', { sub: 'J. Doe' }],
    ['with roles in another form', { roles: 'admin' }],
    ['with a role of another form', { roles: ['Admin!'] }],
    ['without whole seconds', { auth_time: 0.5 }],
    ['that is not valid yet', { nbf: NOW / 1000 + 3600 }],
  ])('%s', async (_, more) => {
    expect(await judge(signed(header, { ...claims(), ...more }))).toBe('ACCESS_TOKEN_INVALID');
  });

  it('with a critical header that nobody here understands', async () => {
    expect(await judge(signed({ ...header, crit: ['x'], x: 1 }, claims()))).toBe('ACCESS_TOKEN_INVALID');
  });

  it('with any character changed, the last ones too, of which decoders ignore bits', async () => {
    const lenient = (text: string): string => Buffer.from(text.split('.')[2]!, 'base64url').toString('hex');
    const last = token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1);
    expect(lenient(last)).toBe(lenient(token));
    expect(await judge(last)).toBe('ACCESS_TOKEN_INVALID');
    for (let at = 0; at < token.length; at += 3) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      expect(await judge(changed), `character ${at}`).toBe('ACCESS_TOKEN_INVALID');
    }
  });

  it.each(['', '.', '..', 'a.b.c', 'x'.repeat(5000), 'é.é.é'])('that is %j', async (text) => {
    expect(await judge(text)).toBe('ACCESS_TOKEN_INVALID');
  });
});
