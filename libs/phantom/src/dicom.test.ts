import { toHex, utf8 } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { encodeDicomFile } from './dicom.js';

const file = encodeDicomFile(
  { MediaStorageSOPClassUID: '1.2.3' },
  { Rows: 1, Columns: 2, PatientID: 'ABC', PhotometricInterpretation: 'MONOCHROME2' },
  Uint16Array.of(1, 0xfffe),
);
const hex = toHex(file);

describe('a DICOM file', () => {
  it('begins with 128 zeros, DICM and the length of the file meta information', () => {
    expect(hex.startsWith('00'.repeat(128) + toHex(utf8('DICM')))).toBe(true);
    // (0002,0000) UL 4, then: version 14 bytes, class 8 + 6, syntax 8 + 20: 56 bytes.
    expect(hex.slice(264, 288)).toBe('02000000554c040038000000');
  });

  it('pads a UID of odd length with a null and text with a space (PS3.5 6.2)', () => {
    expect(hex).toContain(`02000200${toHex(utf8('UI'))}0600${toHex(utf8('1.2.3'))}00`);
    expect(hex).toContain(`10002000${toHex(utf8('LO'))}0400${toHex(utf8('ABC '))}`);
  });

  it('names Explicit VR Little Endian as its transfer syntax', () => {
    expect(hex).toContain(`02001000${toHex(utf8('UI'))}1400${toHex(utf8('1.2.840.10008.1.2.1'))}00`);
  });

  it('writes elements in ascending order of their tags, whatever the order they were given in', () => {
    const at = ['1000200', '2800040', '2800100', '2800110', 'e07f100'].map((tag) => hex.indexOf(tag.padStart(8, '0')));
    expect(at).toEqual([...at].sort((a, b) => a - b));
  });

  it('ends with the pixels as 16-bit words, least significant byte first, after a 32-bit length', () => {
    expect(hex.endsWith('e07f1000' + toHex(utf8('OW')) + '0000' + '04000000' + '0100' + 'feff')).toBe(true);
  });

  it('writes negative values in two’s complement', () => {
    expect(toHex(encodeDicomFile({}, {}, Int16Array.of(-2))).endsWith('feff')).toBe(true);
  });

  it('refuses text outside ASCII, which would need a SpecificCharacterSet', () => {
    expect(() => encodeDicomFile({}, { PatientName: 'Müller' }, Uint16Array.of(0))).toThrow('ASCII');
  });
});
