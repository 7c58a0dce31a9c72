import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from './index.js';
import { codeOf } from './judge.fixture.js';

const bytes = fc.uint8Array({ maxLength: 200 });
const read = (text: string): Uint8Array => decodeBase64(text, 'KEY_INVALID');
const readUrl = (text: string): Uint8Array => decodeBase64Url(text, 'KEY_INVALID');

describe('base64', () => {
  it('gives back what was written, and writes as Node does', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(encodeBase64(value)).toBe(Buffer.from(value).toString('base64'));
        expect(encodeBase64Url(value)).toBe(Buffer.from(value).toString('base64url'));
        expect(read(encodeBase64(value))).toEqual(value);
        expect(readUrl(encodeBase64Url(value))).toEqual(value);
      }),
    );
  });

  it('reads one text for each byte string and refuses every other', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQgw+/-_= \n9'), maxLength: 12 }), (text) => {
        if (codeOf(() => read(text)) === 'accepted') expect(encodeBase64(read(text))).toBe(text);
        if (codeOf(() => readUrl(text)) === 'accepted') expect(encodeBase64Url(readUrl(text))).toBe(text);
      }),
    );
  });

  it.each(['AB==', 'AA', 'AA=', 'AA===', ' AA==', 'AA==\n', 'A', 'A-_A', 'AAA=AAA=', 'é===', '===='])(
    'refuses %j',
    (text) => {
      expect(codeOf(() => read(text))).toBe('KEY_INVALID');
    },
  );

  it.each(['AB', 'AA==', 'A', 'A+/A', ' AA', 'AA\n', 'AAAAA'])('refuses %j as base64url', (text) => {
    expect(codeOf(() => readUrl(text))).toBe('KEY_INVALID');
  });

  it('is stricter than what the platform decodes with (the control)', () => {
    expect(atob('AB==')).toBe(atob('AA=='));
    expect(Buffer.from('AA', 'base64')).toEqual(Buffer.from('AB==', 'base64'));
  });
});
