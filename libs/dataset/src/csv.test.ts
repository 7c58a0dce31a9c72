import { type Fault, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsv } from './csv.js';

const limits = { rowsMax: 5, fieldsMax: 4, fieldLengthMax: 20 };
const parse = (text: string) => parseCsv(utf8(text), limits);
const refusal = (text: string | Uint8Array): Fault => {
  try {
    parseCsv(typeof text === 'string' ? utf8(text) : text, limits);
  } catch (error) {
    return error as Fault;
  }
  throw new Error('accepted');
};

describe('a comma-separated file (RFC 4180)', () => {
  it('has one record a line, ended by LF or CRLF, the last one with or without', () => {
    const expected = [
      ['a', 'b'],
      ['c', ''],
    ];
    for (const text of ['a,b\nc,\n', 'a,b\r\nc,\r\n', 'a,b\nc,']) expect(parse(text)).toEqual(expected);
  });

  it('may quote fields that hold commas, line ends and doubled quotes', () => {
    expect(parse('"a,b","c\r\nd","say ""hi"""\n')).toEqual([['a,b', 'c\r\nd', 'say "hi"']]);
    expect(parse('"",x')).toEqual([['', 'x']]);
  });

  it('may begin with the byte-order mark of a spreadsheet', () => {
    expect(parse('\uFEFFfile,label\n')).toEqual([['file', 'label']]);
  });

  it('may be empty', () => {
    expect(parse('')).toEqual([]);
  });

  it.each([
    ['a quote inside a field', 'x\na"b,c', 2],
    ['text after a closing quote', '"a"b,c', 1],
    ['a quote that never closes', 'x\ny\n"abc', 3],
    ['a lone carriage return', 'a\rb', 1],
    ['more fields than allowed', 'a,b,c,d,e', 1],
    ['a field longer than allowed', `x\n${'y'.repeat(21)}`, 2],
  ])('is refused for %s, with the row', (_, text, row) => {
    const fault = refusal(text);
    expect(fault.code).toBe('DATA_LABELS_INVALID');
    expect(fault.facts['row']).toBe(row);
  });

  it('is refused beyond its rows', () => {
    expect(parse('1\n2\n3\n4\n5\n')).toHaveLength(5);
    expect(refusal('1\n2\n3\n4\n5\n6\n').code).toBe('DATA_TOO_LARGE');
  });

  it('is refused when it is not UTF-8', () => {
    expect(refusal(Uint8Array.of(0x61, 0xff)).code).toBe('DATA_LABELS_INVALID');
  });

  it('comes back from any fields when they are quoted as the RFC says', () => {
    const field = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 5 }),
        fc.constantFrom('\n', '\r\n'),
        (records, end) => {
          const text = records
            .map((record) => record.map((value) => `"${value.replaceAll('"', '""')}"`).join(',') + end)
            .join('');
          fc.pre(text.isWellFormed() && !text.startsWith('\uFEFF'));
          expect(parse(text)).toEqual(records);
        },
      ),
    );
  });
});
