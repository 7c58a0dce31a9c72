import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from './base64.js';

describe('base64', () => {
  it('writes what Node writes, and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = encodeBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64'));
        expect(decodeBase64(text)).toEqual(bytes);
      }),
    );
  });

  it.each([
    ['no padding', 'QQ'],
    ['half the padding', 'QQ='],
    ['padding inside', 'Q=Q='],
    ['too much padding', 'QUI=='],
    ['bits behind the last byte', 'QR=='],
    ['bits behind the last two bytes', 'QUJ='],
    ['a space', 'QUJD '],
    ['a line feed', 'QUJD\n'],
    ['the letters for addresses', 'Pz-_'],
    ['nothing but padding', '===='],
    ['a letter of another alphabet', 'QUJÐ'],
  ])('refuses %s', (_, text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });

  it('has one text for each value: of all texts of four letters, only those that it writes are read', () => {
    const letters = ['A', 'B', 'Q', 'g', '/', '+', '='];
    for (const a of letters)
      for (const b of letters)
        for (const c of letters)
          for (const d of letters) {
            const bytes = decodeBase64(a + b + c + d);
            if (bytes) expect(encodeBase64(bytes)).toBe(a + b + c + d);
          }
  });
});
