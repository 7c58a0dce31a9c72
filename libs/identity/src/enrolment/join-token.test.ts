import { createHash } from 'node:crypto';
import { digestOf, siteName, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64Url, joinTokenDigest, newJoinToken, parseJoinToken } from '../index.js';
import { codeOf } from '../judge.fixture.js';

const invitation = {
  federation: 'demo',
  site: siteName('berlin'),
  address: 'hub.example.org:8443',
  rootDigest: digestOf(utf8('root')),
};
const made = newJoinToken(invitation);
const { text, ...token } = made;
const judge = (other: string) => codeOf(() => parseJoinToken(other));
const content = (): Record<string, unknown> =>
  JSON.parse(Buffer.from(text.slice('consilium-join.'.length), 'base64url').toString()) as Record<string, unknown>;
const written = (value: unknown): string => `consilium-join.${encodeBase64Url(utf8(JSON.stringify(value)))}`;

describe('a join token', () => {
  it('tells the site where to go, whom to meet and the secret', () => {
    expect(parseJoinToken(text)).toEqual(token);
    expect(token).toMatchObject(invitation);
    expect(content()).toEqual({
      v: 1,
      federation: 'demo',
      site: 'berlin',
      address: 'hub.example.org:8443',
      root: invitation.rootDigest,
      secret: token.secret,
    });
  });

  it('holds 256 random bits, of which the coordinator keeps the SHA-256', () => {
    expect(Buffer.from(token.secret, 'base64url')).toHaveLength(32);
    expect(token.digest).toBe(createHash('sha256').update(token.secret).digest('hex'));
    expect(joinTokenDigest(token.secret)).toBe(token.digest);
    const secrets = Array.from({ length: 20 }, () => newJoinToken(invitation).secret);
    expect(new Set(secrets).size).toBe(20);
    expect(newJoinToken({ ...invitation, random: () => new Uint8Array(32) }).secret).toBe('A'.repeat(43));
  });

  it('is one word of letters that survive being pasted, also with white space around it', () => {
    expect(text).toMatch(/^consilium-join\.[A-Za-z0-9_-]+$/);
    expect(parseJoinToken(`  ${text}\n`)).toEqual(token);
  });

  it.each(['10.0.0.7:8443', '[::1]:8443', 'localhost:1'])('names the address %s', (address) => {
    expect(parseJoinToken(newJoinToken({ ...invitation, address }).text).address).toBe(address);
  });

  it.each(['hub', 'https://hub:1', 'hub:port', 'a b:1', ':1', 'hub:123456'])(
    'is not made for the address %j',
    (address) => {
      expect(codeOf(() => newJoinToken({ ...invitation, address }))).toBe('REQUEST_INVALID');
    },
  );
});

describe('a join token is refused', () => {
  it('cut off anywhere, as a paste may leave it', () => {
    for (let length = 0; length < text.length; length++) {
      expect(judge(text.slice(0, length)), `${length} characters`).toBe('JOIN_TOKEN_INVALID');
    }
  });

  it('without its beginning, with something after it, or too long', () => {
    for (const other of [text.slice(1), `${text}=`, `${text}.x`, `${text}\n${text}`, `${text}${'A'.repeat(2048)}`]) {
      expect(judge(other)).toBe('JOIN_TOKEN_INVALID');
    }
  });

  it.each<[string, object]>([
    ['of another version', { v: 2 }],
    ['for a site of another form', { site: 'Berlin' }],
    ['for no federation', { federation: '' }],
    ['with a short secret', { secret: 'abc' }],
    ['with a root of another form', { root: 'abc' }],
    ['with an address that is a web page', { address: 'https://hub.example.org/' }],
    ['with a field too many', { note: '' }],
  ])('%s', (_, more) => {
    expect(judge(written(content()))).toBe('accepted');
    expect(judge(written({ ...content(), ...more }))).toBe('JOIN_TOKEN_INVALID');
  });

  it('that is anything else', () => {
    const isRefused = (other: string): void => expect(judge(other)).toBe('JOIN_TOKEN_INVALID');
    fc.assert(fc.property(fc.string(), (other) => void isRefused(other)));
    fc.assert(fc.property(fc.json(), (json) => void isRefused(written(JSON.parse(json)))));
  });
});
