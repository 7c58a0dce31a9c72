/** Standard base64 (RFC 4648, section 4), padded. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUE = new Map([...ALPHABET].map((letter, value) => [letter, value]));

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.byteLength; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const letters = [18, 12, 6, 0].map((shift) => ALPHABET[(group >> shift) & 63]).join('');
    const filled = Math.min(3, bytes.byteLength - i) + 1;
    text += letters.slice(0, filled).padEnd(4, '=');
  }
  return text;
}

/**
 * The bytes, or undefined unless encoding them again gives the very same text: without padding, with spaces or with
 * bits set behind the last byte, one signature would have several spellings.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const match = /^([A-Za-z0-9+/]*)(={0,2})$/.exec(text);
  if (!match || text.length % 4 !== 0) return undefined;
  const letters = match[1]!;
  const bytes = new Uint8Array((text.length / 4) * 3 - match[2]!.length);
  for (let i = 0, at = 0; i < letters.length; i += 4, at += 3) {
    const group = [0, 1, 2, 3].reduce((bits, k) => (bits << 6) | VALUE.get(letters[i + k] ?? 'A')!, 0);
    for (let k = 0; k < 3 && at + k < bytes.byteLength; k++) bytes[at + k] = (group >> (16 - 8 * k)) & 255;
  }
  return encodeBase64(bytes) === text ? bytes : undefined;
}
