import { Fault, type Code } from '@consilium/stdx';

/** Bytes as base64 of RFC 4648, 4: the standard alphabet, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * The bytes that a base64 text stands for, if it is the one text that {@link encodeBase64} makes of them.
 *
 * A lenient decoder (`atob`, Buffer) takes missing padding, white space and dirty trailing bits, so that several texts
 * give the same bytes; whatever is signed or hashed would then have several spellings (RFC 4648, 3.5 and 12).
 */
export function decodeBase64(text: string, code: Code): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch (error) {
    throw new Fault(code, { expected: 'base64' }, error);
  }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (encodeBase64(bytes) !== text) throw new Fault(code, { expected: 'base64 in its one spelling' });
  return bytes;
}

/** Bytes as base64url of RFC 4648, 5, without padding: for tokens that people copy. */
export const encodeBase64Url = (bytes: Uint8Array): string =>
  encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** The strict inverse of {@link encodeBase64Url}. */
export function decodeBase64Url(text: string, code: Code): Uint8Array {
  if (/[^A-Za-z0-9_-]/.test(text)) throw new Fault(code, { expected: 'base64url' });
  const padding = '='.repeat((4 - (text.length % 4)) % 4);
  return decodeBase64(text.replaceAll('-', '+').replaceAll('_', '/') + padding, code);
}
