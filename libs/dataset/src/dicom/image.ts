import { Fault } from '@consilium/stdx';
import dicomParser, { type DataSet } from 'dicom-parser';
import { requireSupportedSyntax } from './file-meta.js';

/** A monochrome image as its file stores it. */
export interface StoredImage {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly signed: boolean;
  /** MONOCHROME1: the lowest value is shown white (PS3.3 C.7.6.3.1.2). */
  readonly inverted: boolean;
  readonly rescaleSlope: number;
  readonly rescaleIntercept: number;
  /** rows · columns · bitsAllocated / 8 bytes, little endian. */
  readonly pixelData: Uint8Array;
}

/** No radiograph has more; an image of this size is 128 MiB of samples. */
const PIXELS_MAX = 8192 * 8192;

/**
 * Reads an uncompressed DICOM file of one monochrome frame of 8 or 16 bits.
 *
 * Guarantee: nothing that stands in the file reaches the Fault, neither as message nor as fact nor as cause. The
 * parser's own exceptions carry the whole data set, patient's name included, and are dropped here.
 *
 * Faults: those of {@link requireSupportedSyntax}; DATA_UNREADABLE where the file is damaged; DATA_NOT_AN_IMAGE with
 * `attribute` and `expected` where it is another kind of image or none.
 */
export function readDicomImage(file: Uint8Array): StoredImage {
  requireSupportedSyntax(file);
  const dataSet = parseHeader(file);
  const number = (keyword: string, tag: string): number => {
    const value = guarded(() => dataSet.uint16(tag));
    if (value === undefined) throw new Fault('DATA_NOT_AN_IMAGE', { attribute: keyword, expected: 'present' });
    return value;
  };
  demand('SamplesPerPixel', number('SamplesPerPixel', 'x00280002') === 1, '1');
  const photometric = guarded(() => dataSet.string('x00280004'));
  demand(
    'PhotometricInterpretation',
    photometric === 'MONOCHROME1' || photometric === 'MONOCHROME2',
    'MONOCHROME1 or MONOCHROME2',
  );
  const frames = guarded(() => dataSet.intString('x00280008')) ?? 1;
  demand('NumberOfFrames', frames === 1, '1');
  demand('ModalityLUTSequence', dataSet.elements['x00283000'] === undefined, 'absent');

  const [rows, columns] = [number('Rows', 'x00280010'), number('Columns', 'x00280011')];
  demand('Rows', rows >= 1 && rows * columns <= PIXELS_MAX, '1 or more');
  demand('Columns', columns >= 1, '1 or more');
  const bitsAllocated = number('BitsAllocated', 'x00280100');
  demand('BitsAllocated', bitsAllocated === 8 || bitsAllocated === 16, '8 or 16');
  const bitsStored = number('BitsStored', 'x00280101');
  demand('BitsStored', bitsStored >= 1 && bitsStored <= bitsAllocated, 'at most BitsAllocated');
  demand('HighBit', number('HighBit', 'x00280102') === bitsStored - 1, 'BitsStored - 1');
  const representation = number('PixelRepresentation', 'x00280103');
  demand('PixelRepresentation', representation <= 1, '0 or 1');

  return {
    rows,
    columns,
    bitsAllocated: bitsAllocated as 8 | 16,
    bitsStored,
    signed: representation === 1,
    inverted: photometric === 'MONOCHROME1',
    rescaleSlope: decimal(dataSet, 'RescaleSlope', 'x00281053', 1, (value) => value !== 0),
    rescaleIntercept: decimal(dataSet, 'RescaleIntercept', 'x00281052', 0, () => true),
    pixelData: pixelDataOf(file, dataSet, (rows * columns * bitsAllocated) / 8),
  };
}

function parseHeader(file: Uint8Array): DataSet {
  // Stopping at the pixels, the parser reads only what stands before them; their length is checked below.
  return guarded(() => dicomParser.parseDicom(file, { untilTag: 'x7fe00010' }));
}

/** Runs the parser; whatever it throws becomes DATA_UNREADABLE without a cause, since the cause is the patient's file. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw new Fault('DATA_UNREADABLE', { part: 'data set', expected: 'well-formed DICOM' });
  }
}

function decimal(
  dataSet: DataSet,
  keyword: string,
  tag: string,
  absent: number,
  fits: (value: number) => boolean,
): number {
  if (dataSet.elements[tag] === undefined) return absent;
  const value = guarded(() => dataSet.floatString(tag));
  demand(keyword, value !== undefined && Number.isFinite(value) && fits(value), 'a finite number other than zero');
  return value!;
}

function pixelDataOf(file: Uint8Array, dataSet: DataSet, bytes: number): Uint8Array {
  const element = dataSet.elements['x7fe00010'];
  if (!element) throw new Fault('DATA_NOT_AN_IMAGE', { attribute: 'PixelData', expected: 'present' });
  // One byte of padding makes an odd length even (PS3.5 8.1.1).
  const fits = element.length === bytes || element.length === bytes + (bytes % 2);
  const whole = element.dataOffset + element.length <= file.byteLength;
  if (!fits || !whole) throw new Fault('DATA_UNREADABLE', { part: 'PixelData', expectedBytes: bytes });
  return file.subarray(element.dataOffset, element.dataOffset + bytes);
}

function demand(attribute: string, holds: boolean, expected: string): void {
  if (!holds) throw new Fault('DATA_NOT_AN_IMAGE', { attribute, expected });
}
