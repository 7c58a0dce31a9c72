import { PENDING_MS } from './oidc-login.js';

/**
 * The cookie that ties a login to the browser that began it. Behind TLS it has the prefix that keeps other hosts and
 * plain connections from setting it (RFC 6265bis, 4.1.3); on plain loopback the browser would drop such a one.
 */
const nameOf = (secure: boolean): string => (secure ? '__Host-consilium-login' : 'consilium-login');

/** A Set-Cookie header; an empty value takes the cookie back. */
export function cookieText(value: string, secure: boolean): string {
  const seconds = value === '' ? 0 : PENDING_MS / 1000;
  // Lax, since it must come along when the identity provider sends the browser back.
  const terms = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure ? '; Secure' : ''}`;
  return `${nameOf(secure)}=${value}; ${terms}`;
}

/** The value in a Cookie header, empty without one. */
export function cookieOf(header: string | undefined, secure: boolean): string {
  const prefix = `${nameOf(secure)}=`;
  const pair = (header ?? '').split(';').find((text) => text.trim().startsWith(prefix));
  return pair?.trim().slice(prefix.length) ?? '';
}
