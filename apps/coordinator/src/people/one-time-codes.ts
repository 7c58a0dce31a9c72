import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

const PERIOD_S = 30;
/** A code counts one step early or late: clocks and fingers are slow (RFC 6238, 5.2). */
const WINDOW = 1;
/** 160 bits, as RFC 4226 recommends for HMAC-SHA-1: what every authenticator app reads. */
const SECRET_BYTES = 20;

export const newTotpSecret = (): Uint8Array => randomBytes(SECRET_BYTES);

/** What an authenticator app is given: by hand in base 32, or as a QR code of the URI. */
export function totpEnrolment(secret: Uint8Array, login: string, federation: string): { secret: string; uri: string } {
  const totp = totpOf(secret, login, federation);
  return { secret: totp.secret.base32, uri: totp.toString() };
}

/**
 * The time step that a code belongs to (RFC 6238), or undefined for a wrong one. The caller sees to it that no step
 * counts twice: a code that was watched over a shoulder is then worth nothing.
 */
export function totpStepOf(secret: Uint8Array, code: string, nowMs: number): number | undefined {
  const delta = /^\d{6}$/.test(code)
    ? totpOf(secret).validate({ token: code, timestamp: nowMs, window: WINDOW })
    : null;
  return delta === null ? undefined : Math.floor(nowMs / 1000 / PERIOD_S) + delta;
}

const totpOf = (secret: Uint8Array, label = '', federation = ''): TOTP =>
  new TOTP({
    issuer: federation && `Consilium ${federation}`,
    label,
    secret: new Secret({ buffer: Uint8Array.from(secret).buffer }),
    algorithm: 'SHA1',
    digits: 6,
    period: PERIOD_S,
  });

const RECOVERY_CODES = 10;
/** Without letters that look like another (Crockford's base 32). */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** For the day the phone is lost; 80 bits each, so that a fast hash keeps them. */
export const newRecoveryCodes = (): string[] =>
  Array.from({ length: RECOVERY_CODES }, () => {
    const letters = [...randomBytes(16)].map((byte) => ALPHABET[byte % 32]).join('');
    return letters.match(/.{4}/g)!.join('-');
  });

/** The code as it was handed out, however it was typed; undefined for what is none. */
export function recoveryCode(typed: string): string | undefined {
  const letters = typed.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1');
  return /^[0-9a-hjkmnp-tv-z]{16}$/.test(letters) ? letters.match(/.{4}/g)!.join('-') : undefined;
}
