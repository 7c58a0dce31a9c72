import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Request } from '../http/reply.js';
import { addressOf } from './address.js';
import { cookieOf, cookieText } from './browser-cookie.js';
import { PublicUrl } from './public-url.js';

describe('the cookie of a login', () => {
  it('has the prefix __Host- behind TLS, and all that the prefix asks for', () => {
    expect(cookieText('value', true)).toBe(
      '__Host-consilium-login=value; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure',
    );
    expect(cookieText('', false)).toBe('consilium-login=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0');
  });

  it('is found among others, and one of another name is not taken for it', () => {
    expect(cookieOf('a=b; consilium-login=value; c=d', false)).toBe('value');
    expect(cookieOf('consilium-login=plain', true)).toBe('');
    expect(cookieOf('__Host-consilium-login=value', true)).toBe('value');
    for (const header of [undefined, '', 'xconsilium-login=value', 'consilium-loginx=value'])
      expect(cookieOf(header, false)).toBe('');
  });
});

describe('the address of a request', () => {
  const request = (forwarded?: string): Request => ({
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    raw: { socket: { remoteAddress: '10.0.0.1' } } as IncomingMessage,
  });

  it('is that of the connection, whatever a header says', () => {
    expect(addressOf(request('1.2.3.4'), { forwardedFor: false })).toBe('10.0.0.1');
  });

  it('is what our own proxy saw: the last one, since whoever sent the request wrote those before', () => {
    expect(addressOf(request('6.6.6.6, 1.2.3.4'), { forwardedFor: true })).toBe('1.2.3.4');
    for (const none of [undefined, '', ' , '])
      expect(addressOf(request(none), { forwardedFor: true })).toBe('10.0.0.1');
  });
});

describe('the public address', () => {
  const at = (setting: string | undefined, address = '127.0.0.1', family = 'IPv4'): PublicUrl =>
    new PublicUrl(setting, () => ({ address, family, port: 7480 }));

  it('is that of the settings, else where the coordinator listens', () => {
    expect(at('https://hub.example').of('/x')).toBe('https://hub.example/x');
    expect(at('https://hub.example/').of('/x')).toBe('https://hub.example/x');
    expect(at(undefined).of('/x')).toBe('http://127.0.0.1:7480/x');
    expect(at(undefined, '::1', 'IPv6').of('/x')).toBe('http://[::1]:7480/x');
  });

  it('decides whether cookies need TLS', () => {
    expect([at('https://hub.example').secure, at(undefined).secure]).toEqual([true, false]);
  });
});
