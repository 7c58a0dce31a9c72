import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paintFor } from './colour.js';
import { fit, harmless, padEnd, padStart, widthOf, wrapWords } from './width.js';

const paint = paintFor(true);

describe('the width of a text', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['━━─', 3],
    ['肺结节', 6],
    ['e\u0301', 1],
    [paint.bold('abc'), 3],
  ])('of %j is %i columns', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});

describe('fitting', () => {
  it('leaves alone what fits', () => {
    expect(fit('abc', 3)).toBe('abc');
  });

  it('ends what does not fit with an ellipsis', () => {
    expect(fit('abcdef', 4)).toBe('abc…');
    expect(fit('abcdef', 1)).toBe('…');
    expect(fit('abcdef', 0)).toBe('');
  });

  it('keeps the codes that close a colour', () => {
    expect(fit(paint.red('abcdef'), 4)).toBe('\u001b[31mabc…\u001b[39m');
  });

  it('does not cut a wide character in half', () => {
    expect(fit('肺结节', 4)).toBe('肺…');
  });

  it('never answers more columns than asked for', () => {
    const piece = fc.oneof(fc.string(), fc.string().map(paint.green), fc.constantFrom('肺', 'e\u0301', '━'));
    fc.assert(
      fc.property(fc.array(piece), fc.nat(40), (pieces, columns) => {
        expect(widthOf(fit(pieces.map(harmlessParts).join(''), columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  /** Only the colour codes of this program come to `fit`; everything else went through `harmless` before. */
  const harmlessParts = (text: string): string =>
    text
      .split(/(\u001b\[[0-9;]*m)/)
      .map((part) => (part.startsWith('\u001b[') ? part : harmless(part)))
      .join('');
});

describe('padding', () => {
  it('counts columns and not characters', () => {
    expect(padEnd('肺', 4)).toBe('肺  ');
    expect(padStart(paint.bold('a'), 3)).toBe(`  ${paint.bold('a')}`);
  });

  it('leaves alone what is wider already', () => {
    expect(padEnd('abc', 2)).toBe('abc');
    expect(padStart('abc', 2)).toBe('abc');
  });
});

describe('text from elsewhere', () => {
  it('cannot move the cursor, ring the bell or begin a colour', () => {
    expect(harmless('a\u001b[2Jb\u0007c\r\nd')).toBe('a\ufffd[2Jb\ufffdc\ufffd\ufffdd');
  });

  it('cannot turn the direction of writing round (CVE-2021-42574)', () => {
    expect(harmless('a\u202eb\u2066c')).toBe('a\ufffdb\ufffdc');
  });

  it('is otherwise shown as it is, in any language', () => {
    expect(harmless('Lungenrundherde – 肺结节')).toBe('Lungenrundherde – 肺结节');
  });
});

describe('breaking prose into lines', () => {
  it('breaks at spaces and keeps each line within the columns', () => {
    expect(wrapWords('the coordinator sees each update', 16)).toEqual(['the coordinator', 'sees each update']);
  });

  it('gives a word that is longer than a line a line of its own', () => {
    expect(wrapWords('a bbbbbbbbbb c', 4)).toEqual(['a', 'bbbbbbbbbb', 'c']);
  });

  it('indents each line', () => {
    expect(wrapWords('one two', 5, '  ')).toEqual(['  one', '  two']);
  });

  it('answers no line for no word', () => {
    expect(wrapWords('  ', 10)).toEqual([]);
  });

  it('loses no word and adds none', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/)), fc.integer({ min: 12, max: 40 }), (words, columns) => {
        const lines = wrapWords(words.join(' '), columns);
        expect(lines.join(' ').split(' ').filter(Boolean)).toEqual(words);
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
