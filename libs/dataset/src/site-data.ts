import type { Digest } from '@consilium/stdx';
import type { Normalisation } from './normalise.js';
import type { SplitName } from './labels.js';

/** How a plan wants its images; what a site may not choose for itself. */
export interface ImageSpec {
  /** [height, width] in pixels. */
  readonly size: readonly [number, number];
  readonly normalise: Normalisation;
  /** The class that counts as positive comes second. */
  readonly classes: readonly [string, string];
}

/** The samples of one split, in an order that the file system has no part in. */
export interface Split {
  readonly count: number;
  /** Patients that the samples come from; as many as samples where the data know no patients. */
  readonly patients: number;
  /** [count, height, width, 1], float32, finite. */
  readonly images: Float32Array;
  /** 1 for the positive class. */
  readonly labels: Uint8Array;
}

export interface SplitCounts {
  readonly examples: number;
  readonly patients: number;
  readonly positives: number;
}

/** What a site may tell about its data: counts and a digest, never pixels, names or ids. */
export interface DatasetManifest {
  readonly format: 'dicom' | 'npz';
  readonly train: SplitCounts;
  readonly test: SplitCounts;
  /**
   * SHA-256 over the sorted samples, each its content's SHA-256, split and label: independent of file names and their
   * order, and different as soon as one byte of one image, one label or one split differs.
   */
  readonly digest: Digest;
}

export interface SiteData {
  readonly train: Split;
  readonly test: Split;
  readonly manifest: DatasetManifest;
}

export type { Normalisation, SplitName };
