import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayOf, quoted, whole, wrap } from './wrap.js';

const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 40 });

describe('a page for people', () => {
  it('breaks between words, keeps them all, and keeps within its columns', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 60 }), (some, columns) => {
        const lines = wrap(some.join(' '), '  ', '- ', columns);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
        expect(lines.map((line) => line.slice(2)).join(' ')).toBe(some.join(' '));
        expect(lines[0]!.startsWith('- ')).toBe(true);
        for (const line of lines.slice(1)) expect(line.startsWith('  ')).toBe(true);
      }),
    );
  });

  it('lets a word that is too long stand alone', () => {
    expect(wrap('a bcdefghij k', '', '', 5)).toEqual(['a', 'bcdefghij', 'k']);
  });

  it('marks every line of what others say', () => {
    for (const line of quoted(`one\n\n${'word '.repeat(60)}\n  Yours truly`)) expect(line).toMatch(/^ {2}\| /);
  });

  it('writes numbers and days in the one way', () => {
    expect([whole(1234567), dayOf(Date.UTC(2027, 5, 30, 23, 59))]).toEqual(['1,234,567', '2027-06-30']);
  });
});
