import { inspect } from 'node:util';
import { Fault } from '@consilium/stdx';
import dicomParser from 'dicom-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dicomFile, element, EXPLICIT, IMPLICIT, meta, type Attribute } from './file.fixture.js';
import { readDicomImage } from './image.js';

const refusal = (file: Uint8Array): Fault => {
  try {
    readDicomImage(file);
  } catch (error) {
    if (Fault.is(error)) return error;
    throw error;
  }
  throw new Error('the file was accepted');
};

describe('readDicomImage', () => {
  it.each([EXPLICIT, IMPLICIT])('reads what the file stores, in %s', (syntax) => {
    const image = readDicomImage(
      dicomFile({ PhotometricInterpretation: 'MONOCHROME1', RescaleSlope: '2.5', RescaleIntercept: '-1024' }, syntax),
    );
    expect(image).toMatchObject({ rows: 2, columns: 3, bitsAllocated: 16, bitsStored: 16, signed: false });
    expect(image).toMatchObject({ inverted: true, rescaleSlope: 2.5, rescaleIntercept: -1024 });
    expect([...image.pixelData]).toEqual([0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
  });

  it('takes a missing Modality LUT as slope 1 and intercept 0', () => {
    const image = readDicomImage(dicomFile({ RescaleSlope: null, RescaleIntercept: null, NumberOfFrames: null }));
    expect(image).toMatchObject({ rescaleSlope: 1, rescaleIntercept: 0 });
  });

  it('reads 8-bit pixels with the byte that makes an odd length even', () => {
    const bits = { BitsAllocated: 8, BitsStored: 8, HighBit: 7, Columns: 1, Rows: 3 };
    expect([...readDicomImage(dicomFile({ ...bits, PixelData: Uint8Array.of(7, 8, 9, 0) })).pixelData]).toEqual([
      7, 8, 9,
    ]);
  });

  it.each<[Attribute, number | string]>([
    ['SamplesPerPixel', 3],
    ['PhotometricInterpretation', 'PALETTE COLOR'],
    ['NumberOfFrames', '2'],
    ['Rows', 0],
    ['Columns', 0],
    ['BitsAllocated', 32],
    ['BitsStored', 17],
    ['HighBit', 11],
    ['PixelRepresentation', 2],
    ['RescaleSlope', '0'],
    ['RescaleSlope', 'steep'],
    ['RescaleIntercept', 'Infinity'],
  ])('refuses another %s than it supports (%s), naming the attribute', (attribute, value) => {
    const fault = refusal(dicomFile({ [attribute]: value }));
    expect(fault.code).toBe('DATA_NOT_AN_IMAGE');
    expect(fault.facts['attribute']).toBe(attribute);
  });

  it.each<Attribute>([
    'SamplesPerPixel',
    'PhotometricInterpretation',
    'Rows',
    'Columns',
    'BitsAllocated',
    'BitsStored',
    'HighBit',
    'PixelRepresentation',
    'PixelData',
  ])('refuses a file without %s', (attribute) => {
    expect(refusal(dicomFile({ [attribute]: null })).code).toBe('DATA_NOT_AN_IMAGE');
  });

  it('refuses an image of more pixels than any radiograph before looking for them', () => {
    expect(refusal(dicomFile({ Rows: 65_535, Columns: 65_535 })).facts['attribute']).toBe('Rows');
  });

  it('refuses pixels that are fewer or more than the image has, or cut off', () => {
    for (const PixelData of [new Uint8Array(10), new Uint8Array(14), { length: 14 }, { length: 0xffff_ffff }]) {
      expect(refusal(dicomFile({ PixelData })).code).toBe('DATA_UNREADABLE');
    }
    expect(refusal(dicomFile().subarray(0, -1)).code).toBe('DATA_UNREADABLE');
  });

  it('refuses a Modality LUT in a table, which a slope cannot stand for', () => {
    const table = element({ tag: [0x0028, 0x3000], vr: 'SQ', value: '' });
    const file = dicomFile();
    const pixels = file.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00]));
    const fault = refusal(Buffer.concat([file.subarray(0, pixels), table, file.subarray(pixels)]));
    expect(fault.facts['attribute']).toBe('ModalityLUTSequence');
  });

  it('answers every truncation and every changed byte with an image or a Fault', () => {
    const file = dicomFile();
    for (let length = 0; length < file.byteLength; length++)
      expect(refusal(file.subarray(0, length))).toBeInstanceOf(Fault);
    fc.assert(
      fc.property(fc.nat(file.byteLength - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(file);
        changed[at] = byte;
        try {
          readDicomImage(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('survives sequences nested far deeper than the stack', () => {
    const open = Buffer.concat([
      element({ tag: [0x0040, 0x0100], vr: 'SQ', value: '', length: 0xffff_ffff }),
      Buffer.from('feff00e0ffffffff', 'hex'),
    ]);
    const bomb = Buffer.concat([meta(EXPLICIT), ...Array.from({ length: 50_000 }, () => open)]);
    expect(refusal(bomb).code).toBe('DATA_UNREADABLE');
  });
});

describe('a damaged file of a patient', () => {
  const canary = 'CANARY^PATIENT^7F3A9C';
  // Its last element promises more bytes than there are, so the parser gives up after it has read the name.
  const damaged = Buffer.concat([
    meta(EXPLICIT),
    element({ tag: [0x0010, 0x0010], vr: 'PN', value: canary }),
    element({ tag: [0x0028, 0x0004], vr: 'CS', value: 'MONOCHROME2', length: 60_000 }),
  ]);

  /** Everything of an error that a log could print, to any depth. */
  const everything = (error: unknown): string => {
    const hidden = (value: unknown): unknown =>
      value instanceof Error ? [value, value.message, value.stack, hidden(value.cause)] : value;
    const bytes = (value: unknown): string =>
      JSON.stringify(value, (_, inner: unknown) =>
        inner instanceof Uint8Array ? Buffer.from(inner).toString('latin1') : inner,
      ) ?? '';
    const buffer = (error as { dataSet?: { byteArray?: Uint8Array } } | null)?.dataSet?.byteArray;
    return (
      inspect(hidden(error), { depth: 20 }) + bytes(error) + (buffer ? Buffer.from(buffer).toString('latin1') : '')
    );
  };

  it('carries its name in what the library throws (positive control)', () => {
    let thrown: unknown;
    try {
      dicomParser.parseDicom(damaged);
    } catch (error) {
      thrown = error;
    }
    expect(everything(thrown)).toContain(canary);
    expect(everything(new Fault('DATA_UNREADABLE', {}, thrown)), 'and in a Fault that keeps it as its cause').not.toBe(
      '',
    );
    expect(everything((new Fault('DATA_UNREADABLE', {}, thrown) as Error).cause)).toContain(canary);
  });

  it('leaves no trace of the name in our Fault: not in its message, facts, stack or cause', () => {
    const fault = refusal(damaged);
    expect(fault.code).toBe('DATA_UNREADABLE');
    expect(fault.cause).toBeUndefined();
    expect(everything(fault)).not.toContain(canary);
    expect(everything(fault).toLowerCase()).not.toContain('7f3a9c');
  });

  it('cannot smuggle a name into a Fault through any attribute that is checked', () => {
    for (const attribute of [
      'PhotometricInterpretation',
      'RescaleSlope',
      'RescaleIntercept',
      'NumberOfFrames',
    ] as const) {
      expect(everything(refusal(dicomFile({ [attribute]: canary.slice(0, 16) })))).not.toContain('CANARY');
    }
  });
});
