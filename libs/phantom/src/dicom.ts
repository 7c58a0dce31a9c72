import { concatBytes, invariant, utf8 } from '@consilium/stdx';

/** DICOM's own words for the elements that a phantom image carries, with tag and VR (PS3.6). */
const DICTIONARY = {
  MediaStorageSOPClassUID: [0x0002, 0x0002, 'UI'],
  MediaStorageSOPInstanceUID: [0x0002, 0x0003, 'UI'],
  TransferSyntaxUID: [0x0002, 0x0010, 'UI'],
  ImplementationClassUID: [0x0002, 0x0012, 'UI'],
  ImageType: [0x0008, 0x0008, 'CS'],
  SOPClassUID: [0x0008, 0x0016, 'UI'],
  SOPInstanceUID: [0x0008, 0x0018, 'UI'],
  StudyDate: [0x0008, 0x0020, 'DA'],
  StudyTime: [0x0008, 0x0030, 'TM'],
  AccessionNumber: [0x0008, 0x0050, 'SH'],
  Modality: [0x0008, 0x0060, 'CS'],
  ConversionType: [0x0008, 0x0064, 'CS'],
  Manufacturer: [0x0008, 0x0070, 'LO'],
  InstitutionName: [0x0008, 0x0080, 'LO'],
  ReferringPhysicianName: [0x0008, 0x0090, 'PN'],
  PatientName: [0x0010, 0x0010, 'PN'],
  PatientID: [0x0010, 0x0020, 'LO'],
  PatientBirthDate: [0x0010, 0x0030, 'DA'],
  PatientSex: [0x0010, 0x0040, 'CS'],
  StudyInstanceUID: [0x0020, 0x000d, 'UI'],
  SeriesInstanceUID: [0x0020, 0x000e, 'UI'],
  StudyID: [0x0020, 0x0010, 'SH'],
  SeriesNumber: [0x0020, 0x0011, 'IS'],
  InstanceNumber: [0x0020, 0x0013, 'IS'],
  PatientOrientation: [0x0020, 0x0020, 'CS'],
  Laterality: [0x0020, 0x0060, 'CS'],
  SamplesPerPixel: [0x0028, 0x0002, 'US'],
  PhotometricInterpretation: [0x0028, 0x0004, 'CS'],
  Rows: [0x0028, 0x0010, 'US'],
  Columns: [0x0028, 0x0011, 'US'],
  BitsAllocated: [0x0028, 0x0100, 'US'],
  BitsStored: [0x0028, 0x0101, 'US'],
  HighBit: [0x0028, 0x0102, 'US'],
  PixelRepresentation: [0x0028, 0x0103, 'US'],
  QualityControlImage: [0x0028, 0x0300, 'CS'],
  BurnedInAnnotation: [0x0028, 0x0301, 'CS'],
  RescaleIntercept: [0x0028, 0x1052, 'DS'],
  RescaleSlope: [0x0028, 0x1053, 'DS'],
  RescaleType: [0x0028, 0x1054, 'LO'],
} as const satisfies Record<string, readonly [group: number, element: number, vr: string]>;

export type Keyword = keyof typeof DICTIONARY;
export type DataSet = Readonly<Partial<Record<Keyword, string | number>>>;

/** Explicit VR Little Endian, PS3.5 A.2. */
export const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

/**
 * A DICOM file (PS3.10): preamble, file meta information, the data set in ascending tag order, and 16-bit pixels last.
 * Writes only what {@link DICTIONARY} knows; values must fit their VR, which is the caller's business.
 */
export function encodeDicomFile(meta: DataSet, dataSet: DataSet, pixels: Uint16Array | Int16Array): Uint8Array {
  const metaElements = concatBytes([
    element(0x0002, 0x0001, 'OB', Uint8Array.of(0, 1)),
    ...encodeElements({ ...meta, TransferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN }),
  ]);
  const groupLength = new Uint8Array(4);
  new DataView(groupLength.buffer).setUint32(0, metaElements.byteLength, true);
  return concatBytes([
    new Uint8Array(128),
    utf8('DICM'),
    element(0x0002, 0x0000, 'UL', groupLength),
    metaElements,
    ...encodeElements(dataSet),
    element(0x7fe0, 0x0010, 'OW', littleEndian(pixels)),
  ]);
}

function encodeElements(dataSet: DataSet): Uint8Array[] {
  const keywords = (Object.keys(dataSet) as Keyword[]).sort((a, b) => order(a) - order(b));
  return keywords.map((keyword) => {
    const [group, number, vr] = DICTIONARY[keyword];
    return element(group, number, vr, encodeValue(vr, dataSet[keyword]!));
  });
}

const order = (keyword: Keyword): number => DICTIONARY[keyword][0] * 0x10000 + DICTIONARY[keyword][1];

function encodeValue(vr: string, value: string | number): Uint8Array {
  if (vr === 'US') return Uint8Array.of(Number(value) & 0xff, Number(value) >> 8);
  const text = String(value);
  invariant(/^[\x20-\x7e]*$/.test(text), 'phantom values are ASCII, so no SpecificCharacterSet is needed');
  // PS3.5 6.2: an even length, padded by a space, UIDs by a null.
  return utf8(text.length % 2 ? text + (vr === 'UI' ? '\0' : ' ') : text);
}

/** PS3.5 7.1.2: VRs of long values have two reserved bytes and a 32-bit length. */
function element(group: number, number: number, vr: string, value: Uint8Array): Uint8Array {
  const long = vr === 'OB' || vr === 'OW';
  const head = new Uint8Array(long ? 12 : 8);
  const view = new DataView(head.buffer);
  view.setUint16(0, group, true);
  view.setUint16(2, number, true);
  head.set(utf8(vr), 4);
  if (long) view.setUint32(8, value.byteLength, true);
  else view.setUint16(6, value.byteLength, true);
  return concatBytes([head, value]);
}

function littleEndian(pixels: Uint16Array | Int16Array): Uint8Array {
  const bytes = new Uint8Array(pixels.length * 2);
  pixels.forEach((value, i) => {
    bytes[2 * i] = value & 0xff;
    bytes[2 * i + 1] = (value >> 8) & 0xff;
  });
  return bytes;
}
