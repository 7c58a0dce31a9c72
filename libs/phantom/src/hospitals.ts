/**
 * Everything that makes one synthetic hospital differ from another, in this one file. The lesion task is the same
 * everywhere; what shifts is who is scanned (`examples`, `prevalence`), the scanner and the burned-in side marker.
 *
 * Two hospitals have a trap, as real radiographs had (Zech et al. 2018, PLOS Medicine 15(11), e1002683): in their
 * training data the marker goes with the label, at c with nodules (a ward's portable machine), at d with their absence
 * (a screening room). In every test split it says nothing about the label, so a model trained at one hospital alone
 * pays for the shortcut at its own test.
 */
export type HospitalName = 'a' | 'b' | 'c' | 'd' | 'external';

export interface Scanner {
  /** Millimetres of anatomy per pixel; 1 shows the whole 48 mm field. */
  readonly pixelSpacing: number;
  /** Standard deviation of the detector's blur in pixels. */
  readonly blur: number;
  /** Standard deviation of the quantum noise at mid grey, as a share of full scale. */
  readonly noise: number;
  /** The response: grey = gain · exposure^gamma + offset, as shares of full scale. */
  readonly gamma: number;
  readonly gain: number;
  readonly offset: number;
  /** Darkening from the centre to the corners, 0 for none. */
  readonly vignette: number;
}

/** How the grey values are stored: PS3.3 C.7.6.3.1 (Image Pixel) and C.11.1 (Modality LUT). */
export interface Storage {
  readonly photometricInterpretation: 'MONOCHROME1' | 'MONOCHROME2';
  readonly bitsStored: 8 | 10 | 12 | 14;
  /** Present at a hospital whose scanner writes a Modality LUT; its stored values are then signed. */
  readonly rescale?: { readonly slope: number; readonly intercept: number };
}

export interface Marker {
  readonly letter: 'L' | 'R' | 'P' | 'X';
  readonly corner: 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right';
  /** Share of the [negative, positive] training images that carry it. */
  readonly train: readonly [number, number];
  /** Share of the test images that carry it, whatever their label. */
  readonly test: number;
}

export interface Hospital {
  readonly examples: { readonly train: number; readonly test: number };
  /** Share of positives among the training images; the test images are half and half. */
  readonly prevalence: number;
  readonly scanner: Scanner;
  readonly storage: Storage;
  readonly marker: Marker;
}

export const HOSPITALS: Readonly<Record<HospitalName, Hospital>> = {
  a: {
    examples: { train: 320, test: 250 },
    prevalence: 0.4,
    scanner: { pixelSpacing: 1, blur: 0.9, noise: 0.03, gamma: 1, gain: 1, offset: 0, vignette: 0 },
    storage: { photometricInterpretation: 'MONOCHROME2', bitsStored: 12 },
    marker: { letter: 'L', corner: 'top-left', train: [0.3, 0.3], test: 0.3 },
  },
  b: {
    examples: { train: 280, test: 250 },
    prevalence: 0.2,
    scanner: { pixelSpacing: 1, blur: 1.5, noise: 0.05, gamma: 0.7, gain: 0.9, offset: 0.05, vignette: 0.15 },
    storage: { photometricInterpretation: 'MONOCHROME1', bitsStored: 12 },
    marker: { letter: 'R', corner: 'top-right', train: [0.5, 0.5], test: 0.5 },
  },
  c: {
    examples: { train: 200, test: 250 },
    prevalence: 0.25,
    scanner: { pixelSpacing: 1, blur: 1.1, noise: 0.065, gamma: 1.4, gain: 1.1, offset: 0.02, vignette: 0 },
    storage: { photometricInterpretation: 'MONOCHROME2', bitsStored: 14, rescale: { slope: 0.25, intercept: 2048 } },
    marker: { letter: 'P', corner: 'bottom-left', train: [0.05, 0.85], test: 0.45 },
  },
  d: {
    examples: { train: 120, test: 250 },
    prevalence: 0.5,
    scanner: { pixelSpacing: 0.9, blur: 0.7, noise: 0.055, gamma: 1.1, gain: 0.8, offset: 0.1, vignette: 0.05 },
    storage: { photometricInterpretation: 'MONOCHROME2', bitsStored: 10 },
    marker: { letter: 'X', corner: 'bottom-right', train: [0.85, 0.1], test: 0.45 },
  },
  external: {
    examples: { train: 0, test: 250 },
    prevalence: 0.5,
    scanner: { pixelSpacing: 0.93, blur: 1.2, noise: 0.05, gamma: 1.25, gain: 1, offset: 0, vignette: 0 },
    storage: { photometricInterpretation: 'MONOCHROME2', bitsStored: 12 },
    marker: { letter: 'P', corner: 'top-right', train: [0, 0], test: 0.3 },
  },
};

/** The lesion task, the same at every hospital: how bright and how large a nodule or its mimic is. */
export const TASK = {
  /** Peak exposure over the surrounding tissue, uniform between the two. */
  contrast: [0.13, 0.26],
  /** Nodule radius in millimetres, uniform between the two. */
  radius: [3, 7],
  /** Strength of the lung's texture (power-law clutter). */
  clutter: 0.035,
  /** Shares of the negatives that show crossing vessels, an end-on vessel or a rib's edge; the rest is plain lung. */
  mimics: { crossing: 0.45, endOn: 0.25, rib: 0.15 },
} as const;
