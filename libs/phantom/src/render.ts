import { seededRandom } from '@consilium/stdx';
import type { Candidate } from './cohort.js';
import type { Field } from './field.js';
import type { Hospital, Storage } from './hospitals.js';
import { powerOn } from './scanner.js';
import { drawAnatomy, drawCandidate } from './scene.js';

/**
 * How one hospital makes an image of a candidate: grey values in [0, 1], bright where more was absorbed. The same
 * candidate and seed give the same values.
 */
export function rendererOf(hospital: Hospital, ...seed: readonly (string | number)[]): (candidate: Candidate) => Field {
  const acquire = powerOn(hospital.scanner);
  return ({ patient, image, label, marked }) => {
    const anatomy = drawAnatomy(seededRandom('consilium/phantom/patient', ...seed, patient));
    const random = seededRandom('consilium/phantom/image', ...seed, patient, image);
    // Patients do not stand at exactly the same distance.
    const spacing = hospital.scanner.pixelSpacing * random.between(0.97, 1.03);
    const exposure = drawCandidate(anatomy, label, random, spacing);
    return acquire(exposure, marked ? hospital.marker : undefined, random);
  };
}

/**
 * Grey values as the scanner stores them, 16 bits each. MONOCHROME1 stores black as its largest value; with a Modality
 * LUT the values are signed, centred on zero.
 */
export function store(grey: Field, storage: Storage): Uint16Array | Int16Array {
  const largest = 2 ** storage.bitsStored - 1;
  const lowest = storage.rescale ? -(2 ** (storage.bitsStored - 1)) : 0;
  const stored = storage.rescale ? new Int16Array(grey.length) : new Uint16Array(grey.length);
  for (let i = 0; i < grey.length; i++) {
    const level = Math.round(grey[i]! * largest);
    stored[i] = lowest + (storage.photometricInterpretation === 'MONOCHROME1' ? largest - level : level);
  }
  return stored;
}
