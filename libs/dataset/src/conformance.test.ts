import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { storedValues } from './dicom/grey.js';
import { readDicomImage, type StoredImage } from './dicom/image.js';

/** Files of many makers, with pixels decoded by pydicom and GDCM; see SOURCE.md beside them. */
interface Listed {
  readonly file: string;
  readonly transferSyntax?: string | null;
  readonly PhotometricInterpretation?: string;
  readonly NumberOfFrames?: string;
  readonly SamplesPerPixel?: string;
  readonly BitsAllocated?: string;
  readonly reference?: { readonly shape: readonly number[]; readonly dtype: string; readonly pixel_sha256_le: string };
}

const data = resolve(
  import.meta.dirname,
  '../../..',
  process.env['CONSILIUM_DATA'] ?? '../shared/data',
  'dicom-conformance',
);
const present = existsSync(join(data, 'manifest.json'));
const files = present
  ? (JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8')) as { files: Listed[] }).files
  : [];
const UNCOMPRESSED = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'];

/** PixelData longer than Rows · Columns, against PS3.5 8.1.1: refused rather than guessed at, where pydicom warns. */
const PADDED = ['general/pydicom__MR_small_padded.dcm'];
/** Without preamble and DICM, so that there is no transfer syntax to name. */
const BARE = ['general/pydicom-data__JLSL_RGB_ILV1.dcm', 'general/pydicom__rtstruct.dcm'];

const monochrome = (listed: Listed): boolean =>
  UNCOMPRESSED.includes(listed.transferSyntax ?? '') &&
  listed.SamplesPerPixel === '1' &&
  (listed.PhotometricInterpretation ?? '').startsWith('MONOCHROME') &&
  (listed.NumberOfFrames ?? '1') === '1' &&
  ['8', '16'].includes(listed.BitsAllocated ?? '') &&
  listed.reference !== undefined &&
  !PADDED.includes(listed.file);

function pixelHash(image: StoredImage, dtype: string): string {
  const arrays = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array };
  const stored = arrays[dtype as keyof typeof arrays].from(storedValues(image));
  return createHash('sha256').update(new Uint8Array(stored.buffer)).digest('hex');
}

function outcome(file: string): StoredImage | Fault {
  try {
    return readDicomImage(readFileSync(join(data, file)));
  } catch (error) {
    if (Fault.is(error)) return error;
    throw error;
  }
}

describe.skipIf(!present)('the conformance files (skipped where the data are absent)', () => {
  const malformed = files.filter(({ file }) => file.startsWith('malformed/'));
  const supported = files.filter((listed) => monochrome(listed) && !malformed.includes(listed));
  const compressed = files.filter(
    (listed) =>
      !UNCOMPRESSED.includes(listed.transferSyntax ?? '') && !malformed.includes(listed) && !BARE.includes(listed.file),
  );
  const others = files.filter(
    (listed) => ![...malformed, ...supported, ...compressed].includes(listed) && !PADDED.includes(listed.file),
  );

  it('are enough to mean something', () => {
    expect(supported.length).toBeGreaterThan(5);
    expect(compressed.length).toBeGreaterThan(50);
    expect(malformed.length).toBeGreaterThan(5);
  });

  it.each(supported.map((listed) => [listed.file, listed.reference!] as const))(
    '%s has the pixels that pydicom reads',
    (file, reference) => {
      const image = outcome(file);
      expect(image).not.toBeInstanceOf(Fault);
      expect([(image as StoredImage).rows, (image as StoredImage).columns]).toEqual(reference.shape);
      expect(pixelHash(image as StoredImage, reference.dtype)).toBe(reference.pixel_sha256_le);
    },
  );

  it.each(compressed.map(({ file, transferSyntax }) => [file, transferSyntax]))(
    '%s (%s) is refused for its transfer syntax, by name',
    (file) => {
      const fault = outcome(file) as Fault;
      expect(fault.code).toBe('DATA_TRANSFER_SYNTAX_UNSUPPORTED');
      expect(fault.facts['transferSyntax']).not.toBe('unknown');
    },
  );

  it.each(others.map(({ file }) => file))(
    '%s, readable but no single monochrome image, is refused as no image',
    (file) => {
      expect((outcome(file) as Fault).code).toBe('DATA_NOT_AN_IMAGE');
    },
  );

  it.each(malformed.map((listed) => [listed.file, listed] as const))(
    '%s, malformed, gives right pixels or a Fault and never hangs',
    (file, listed) => {
      const result = outcome(file);
      if (result instanceof Fault) {
        expect(['DATA_UNREADABLE', 'DATA_NOT_AN_IMAGE', 'DATA_TRANSFER_SYNTAX_UNSUPPORTED']).toContain(result.code);
        expect(result.cause).toBeUndefined();
      } else {
        expect(pixelHash(result, listed.reference!.dtype)).toBe(listed.reference!.pixel_sha256_le);
      }
    },
  );

  it.each(PADDED)('%s, whose pixels are more than the image has, is refused', (file) => {
    expect((outcome(file) as Fault).code).toBe('DATA_UNREADABLE');
  });

  it('never carry a patient’s name into a Fault', () => {
    for (const { file } of files) {
      const result = outcome(file);
      if (!(result instanceof Fault)) continue;
      const { PatientName } = files.find((listed) => listed.file === file) as { PatientName?: string };
      if (PatientName && PatientName.length > 3) expect(result.message).not.toContain(PatientName);
    }
  });
});
