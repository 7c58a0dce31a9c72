import type { GreyImage } from '../grey-image.js';
import type { StoredImage } from './image.js';

/** The stored values, sign-extended from `bitsStored` and without the bits above it, which may hold old overlays. */
export function storedValues({ pixelData, bitsAllocated, bitsStored, signed }: StoredImage): Int32Array {
  const bytes = bitsAllocated / 8;
  const values = new Int32Array(pixelData.byteLength / bytes);
  const unused = 32 - bitsStored;
  for (let i = 0; i < values.length; i++) {
    const raw = bytes === 1 ? pixelData[i]! : pixelData[2 * i]! | (pixelData[2 * i + 1]! << 8);
    values[i] = signed ? (raw << unused) >> unused : (raw << unused) >>> unused;
  }
  return values;
}

/**
 * Grey values such that brighter always means the same: the Modality LUT is applied (slope · stored + intercept,
 * PS3.3 C.11.1) and MONOCHROME1 is turned over within the range that the stored bits allow. Windows are how a person
 * looks at an image and are ignored.
 */
export function greyOf(stored: StoredImage): GreyImage {
  const { rows, columns, bitsStored, signed, inverted, rescaleSlope, rescaleIntercept } = stored;
  const levels = storedValues(stored);
  const lowest = signed ? -(2 ** (bitsStored - 1)) : 0;
  const ends = [lowest, lowest + 2 ** bitsStored - 1].map((level) => rescaleSlope * level + rescaleIntercept) as [
    number,
    number,
  ];
  const range = [Math.min(...ends), Math.max(...ends)] as const;
  // Turning over is another slope and intercept: lowest + highest − value.
  const slope = inverted ? -rescaleSlope : rescaleSlope;
  const intercept = inverted ? range[0] + range[1] - rescaleIntercept : rescaleIntercept;
  const values = new Float64Array(levels.length);
  for (let i = 0; i < values.length; i++) values[i] = slope * levels[i]! + intercept;
  return { height: rows, width: columns, values, range };
}
