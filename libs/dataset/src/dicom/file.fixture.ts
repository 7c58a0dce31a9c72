/** DICOM files made by hand for the tests, independent of the phantom's writer. */
export interface ElementSpec {
  readonly tag: readonly [group: number, element: number];
  readonly vr: string;
  readonly value: Uint8Array | string | number;
  /** A length that lies about the value. */
  readonly length?: number;
}

const bytesOf = ({ vr, value }: ElementSpec): Buffer => {
  if (typeof value === 'number') return Buffer.from(Uint16Array.of(value).buffer);
  if (typeof value !== 'string') return Buffer.from(value);
  return Buffer.from(value.length % 2 ? value + (vr === 'UI' ? '\0' : ' ') : value, 'latin1');
};

const u16 = (value: number): Buffer => Buffer.from([value & 255, value >> 8]);
const u32 = (value: number): Buffer => Buffer.concat([u16(value & 0xffff), u16(value >>> 16)]);

export function element(spec: ElementSpec, explicit = true): Buffer {
  const value = bytesOf(spec);
  const length = spec.length ?? value.byteLength;
  const tag = Buffer.concat(spec.tag.map(u16));
  if (!explicit) return Buffer.concat([tag, u32(length), value]);
  const long = ['OB', 'OW', 'UN', 'SQ'].includes(spec.vr);
  return Buffer.concat([tag, Buffer.from(spec.vr), long ? Buffer.concat([u16(0), u32(length)]) : u16(length), value]);
}

export const EXPLICIT = '1.2.840.10008.1.2.1';
export const IMPLICIT = '1.2.840.10008.1.2';

export function meta(transferSyntax: string, extra: readonly ElementSpec[] = []): Buffer {
  const elements = [{ tag: [0x0002, 0x0010], vr: 'UI', value: transferSyntax } as const, ...extra].map((spec) =>
    element(spec),
  );
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), ...elements]);
}

/** The attributes of a 2 × 3 image of 16 bits; pixels count from 0 to 5. */
const image = {
  PatientName: { tag: [0x0010, 0x0010], vr: 'PN', value: 'NOBODY' },
  SamplesPerPixel: { tag: [0x0028, 0x0002], vr: 'US', value: 1 },
  PhotometricInterpretation: { tag: [0x0028, 0x0004], vr: 'CS', value: 'MONOCHROME2' },
  NumberOfFrames: { tag: [0x0028, 0x0008], vr: 'IS', value: '1' },
  Rows: { tag: [0x0028, 0x0010], vr: 'US', value: 2 },
  Columns: { tag: [0x0028, 0x0011], vr: 'US', value: 3 },
  BitsAllocated: { tag: [0x0028, 0x0100], vr: 'US', value: 16 },
  BitsStored: { tag: [0x0028, 0x0101], vr: 'US', value: 16 },
  HighBit: { tag: [0x0028, 0x0102], vr: 'US', value: 15 },
  PixelRepresentation: { tag: [0x0028, 0x0103], vr: 'US', value: 0 },
  RescaleIntercept: { tag: [0x0028, 0x1052], vr: 'DS', value: '0' },
  RescaleSlope: { tag: [0x0028, 0x1053], vr: 'DS', value: '1' },
  PixelData: { tag: [0x7fe0, 0x0010], vr: 'OW', value: new Uint8Array(Uint16Array.of(0, 1, 2, 3, 4, 5).buffer) },
} as const satisfies Record<string, ElementSpec>;

export type Attribute = keyof typeof image;

/** The image with some attributes changed (to a value or a whole element) or left out (`null`). */
export function dicomFile(
  changes: Partial<Record<Attribute, ElementSpec['value'] | { length: number } | null>> = {},
  transferSyntax: string = EXPLICIT,
): Buffer {
  const elements = (Object.entries(image) as [Attribute, ElementSpec][]).flatMap(([keyword, spec]) => {
    const change = changes[keyword];
    if (change === null) return [];
    if (change === undefined) return [spec];
    return [
      typeof change === 'object' && 'length' in change && !(change instanceof Uint8Array)
        ? { ...spec, ...change }
        : { ...spec, value: change as ElementSpec['value'] },
    ];
  });
  return Buffer.concat([meta(transferSyntax), ...elements.map((spec) => element(spec, transferSyntax !== IMPLICIT))]);
}
