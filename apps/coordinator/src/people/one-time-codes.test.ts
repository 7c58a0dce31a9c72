import fc from 'fast-check';
import { TOTP } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { newRecoveryCodes, newTotpSecret, recoveryCode, totpEnrolment, totpStepOf } from './one-time-codes.js';

/** The secret of RFC 6238, appendix B, for SHA-1. */
const RFC_SECRET = new TextEncoder().encode('12345678901234567890');

describe('a one-time code', () => {
  // The last six of the eight digits that the appendix prints.
  it.each([
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ])('of RFC 6238 at second %i is known', (second, code) => {
    expect(totpStepOf(RFC_SECRET, code, second * 1000)).toBe(Math.floor(second / 30));
  });

  it('counts one step early or late, for its own step, and no further', () => {
    const now = 1_111_111_109_000;
    const own = 37_037_036;
    for (const [steps, told] of [
      [-2, undefined],
      [-1, own],
      [0, own],
      [1, own],
      [2, undefined],
    ] as const)
      expect(totpStepOf(RFC_SECRET, '081804', now + steps * 30_000), String(steps)).toBe(told);
  });

  it('that is not six digits is none', () => {
    for (const code of ['', '08180', '0818040', '08180a', ' 81804', '０８１８０４'])
      expect(totpStepOf(RFC_SECRET, code, 1_111_111_109_000)).toBeUndefined();
  });

  it('belongs to one secret', () => {
    expect(totpStepOf(newTotpSecret(), '081804', 1_111_111_109_000)).not.toBe(37_037_036);
  });

  it('comes from an app that was given the URI', () => {
    const secret = newTotpSecret();
    const { uri, secret: base32 } = totpEnrolment(secret, 'a.weber', 'demo');
    const url = new URL(uri);
    expect([url.protocol, url.host, url.searchParams.get('secret')]).toEqual(['otpauth:', 'totp', base32]);
    expect(url.searchParams.get('issuer')).toBe('Consilium demo');
    const code = new TOTP({ secret: base32 }).generate({ timestamp: 90_000 });
    expect(totpStepOf(secret, code, 90_000)).toBe(3);
  });
});

describe('a recovery code', () => {
  it('comes with nine others, all different, of 80 bits each', () => {
    const codes = newRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^(?:[0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/);
  });

  it('is understood however it is typed', () => {
    const [code] = newRecoveryCodes();
    for (const typed of [code!, code!.toUpperCase(), code!.replaceAll('-', ''), ` ${code!.replaceAll('-', ' ')} `])
      expect(recoveryCode(typed)).toBe(code);
    expect(recoveryCode('OIL0-0000-0000-0000')).toBe('0110-0000-0000-0000');
  });

  it('is never mistaken for a code of the app, nor the other way round', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const isApp = /^\d{6}$/.test(text);
        return !(isApp && recoveryCode(text) !== undefined);
      }),
    );
    expect(recoveryCode('123456')).toBeUndefined();
    expect(recoveryCode('abcd-efgh-jkmn-pqru')).toBeUndefined();
  });
});
