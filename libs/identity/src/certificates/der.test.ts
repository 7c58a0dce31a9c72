import { concatBytes, toHex } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../judge.fixture.js';
import { sequenceOf, signedDer } from './der.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const judge = (text: string) => codeOf(() => sequenceOf(hex(text), 'CSR_INVALID'));

/** DER of an element, written the other way round than it is read: the length from the content. */
function element(tag: number, content: Uint8Array): Uint8Array {
  const { byteLength } = content;
  const digits = byteLength.toString(16).padStart(byteLength > 255 ? 4 : 2, '0');
  const length = byteLength < 128 ? hex(digits) : concatBytes([Uint8Array.of(0x80 + digits.length / 2), hex(digits)]);
  return concatBytes([Uint8Array.of(tag), length, content]);
}

describe('a DER sequence', () => {
  it('gives back the elements that it was made of, with tags and lengths', () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
    fc.assert(
      fc.property(contents, (parts) => {
        const elements = parts.map((part) => element(0x04, part));
        const read = sequenceOf(element(0x30, concatBytes(elements)), 'CSR_INVALID');
        expect(read.map(toHex)).toEqual(elements.map(toHex));
      }),
    );
  });

  it.each([
    ['an empty one', '30 00', 'accepted'],
    ['one element', '30 02 05 00', 'accepted'],
    ['nothing', '', 'CSR_INVALID'],
    ['a tag alone', '30', 'CSR_INVALID'],
    ['another tag', '31 02 05 00', 'CSR_INVALID'],
    ['bytes after it', '30 02 05 00 00', 'CSR_INVALID'],
    ['an end before its length', '30 03 05 00', 'CSR_INVALID'],
    ['an element longer than it', '30 02 05 01', 'CSR_INVALID'],
    ['half an element', '30 01 05', 'CSR_INVALID'],
    ['an indefinite length', '30 80 05 00 00 00', 'CSR_INVALID'],
    ['a long form where the short one does', '30 81 02 05 00', 'CSR_INVALID'],
    ['a leading zero in its length', '30 82 00 02 05 00', 'CSR_INVALID'],
    ['a length of three bytes', '30 83 00 00 02 05 00', 'CSR_INVALID'],
    ['a length that is cut off', '30 82 01', 'CSR_INVALID'],
    ['a length beyond all numbers', `30 ff ${'ff'.repeat(20)}`, 'CSR_INVALID'],
  ])('%s: %s', (_, text, code) => {
    expect(judge(text)).toBe(code);
  });

  it('of any bytes is read or refused, and reads only what it would write', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const der = concatBytes([Uint8Array.of(0x30), bytes]);
        if (codeOf(() => sequenceOf(der, 'CSR_INVALID')) !== 'accepted') return;
        expect(toHex(element(0x30, concatBytes(sequenceOf(der, 'CSR_INVALID'))))).toBe(toHex(der));
      }),
    );
  });
});

describe('something signed', () => {
  const algorithm = '30 0a 06 08 2a 86 48 ce 3d 04 03 02';
  const parts = (...texts: string[]): Uint8Array => element(0x30, concatBytes(texts.map(hex)));
  const judged = (...texts: string[]) => codeOf(() => signedDer(parts(...texts), 'CERTIFICATE_INVALID'));

  it('is taken apart into the bytes that were signed and the signature', () => {
    const { signed, signature } = signedDer(parts('30 02 05 00', algorithm, '03 03 00 ab cd'), 'CERTIFICATE_INVALID');
    expect([toHex(signed), toHex(signature)]).toEqual(['30020500', 'abcd']);
  });

  it.each<[string, string[]]>([
    ['without a part', ['30 00', algorithm]],
    ['with one too many', ['30 00', algorithm, '03 01 00', '05 00']],
    ['by another algorithm (SHA-384)', ['30 00', algorithm.replace(/02$/, '03'), '03 01 00']],
    ['with parameters in the algorithm', ['30 00', '30 0c 06 08 2a 86 48 ce 3d 04 03 02 05 00', '03 01 00']],
    ['with a signature of another kind', ['30 00', algorithm, '04 01 00']],
    ['with a signature of half bytes', ['30 00', algorithm, '03 02 04 f0']],
    ['with an empty signature', ['30 00', algorithm, '03 00']],
  ])('is refused %s', (_, texts) => {
    expect(judged('30 00', algorithm, '03 01 00')).toBe('accepted');
    expect(judged(...texts)).toBe('CERTIFICATE_INVALID');
  });
});
