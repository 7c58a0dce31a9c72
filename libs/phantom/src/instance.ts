import { digestOfJson, type SiteName } from '@consilium/stdx';
import type { Candidate } from './cohort.js';
import { encodeDicomFile } from './dicom.js';
import { SIDE } from './field.js';
import type { Hospital } from './hospitals.js';

/** Secondary Capture Image Storage (PS3.4 B.5), the class for images that no scanner made. */
const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';

export const patientId = (candidate: Candidate): string => `PHANTOM-${String(candidate.patient).padStart(4, '0')}`;

/** The candidate as a DICOM file that says wherever DICOM can say it that it is a phantom and nobody's image. */
export function encodeInstance(
  candidate: Candidate,
  hospital: Hospital,
  site: SiteName,
  pixels: Uint16Array | Int16Array,
  ...seed: readonly (string | number)[]
): Uint8Array {
  const { storage, marker } = hospital;
  const study = [site, ...seed, candidate.patient];
  const instanceUid = uidOf('instance', ...study, candidate.image);
  return encodeDicomFile(
    {
      MediaStorageSOPClassUID: SECONDARY_CAPTURE,
      MediaStorageSOPInstanceUID: instanceUid,
      ImplementationClassUID: uidOf('implementation'),
    },
    {
      ImageType: 'DERIVED\\SECONDARY',
      SOPClassUID: SECONDARY_CAPTURE,
      SOPInstanceUID: instanceUid,
      StudyDate: '',
      StudyTime: '',
      AccessionNumber: '',
      Modality: 'OT',
      // Synthetic Image, PS3.3 C.8.6.1.
      ConversionType: 'SYN',
      Manufacturer: 'CONSILIUM PHANTOM',
      InstitutionName: site,
      ReferringPhysicianName: '',
      PatientName: `PHANTOM^${String(candidate.patient).padStart(4, '0')}`,
      PatientID: patientId(candidate),
      PatientBirthDate: '',
      PatientSex: '',
      StudyInstanceUID: uidOf('study', ...study),
      SeriesInstanceUID: uidOf('series', ...study),
      StudyID: '',
      SeriesNumber: 1,
      InstanceNumber: candidate.image,
      PatientOrientation: '',
      Laterality: '',
      SamplesPerPixel: 1,
      PhotometricInterpretation: storage.photometricInterpretation,
      Rows: SIDE,
      Columns: SIDE,
      BitsAllocated: 16,
      BitsStored: storage.bitsStored,
      HighBit: storage.bitsStored - 1,
      PixelRepresentation: storage.rescale ? 1 : 0,
      // "YES: the image is a quality control or phantom image", PS3.3 C.7.6.1.
      QualityControlImage: 'YES',
      BurnedInAnnotation: candidate.marked && marker ? 'YES' : 'NO',
      ...(storage.rescale && {
        RescaleIntercept: storage.rescale.intercept,
        RescaleSlope: storage.rescale.slope,
        RescaleType: 'US',
      }),
    },
    pixels,
  );
}

/** A UID under the root 2.25 (PS3.5 B.2): a UUID of version 8 (RFC 9562) from a hash, so that the same phantom has the same UIDs. */
function uidOf(...name: readonly (string | number)[]): string {
  const hex = digestOfJson(['consilium/phantom/uid', ...name]).slice(0, 32);
  const variant = (0x8 | (parseInt(hex[16]!, 16) & 0x3)).toString(16);
  return `2.25.${BigInt(`0x${hex.slice(0, 12)}8${hex.slice(13, 16)}${variant}${hex.slice(17)}`)}`;
}
