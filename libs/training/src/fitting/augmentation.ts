import type { SeededRandom } from '@consilium/stdx';

/** Random changes that keep a sample's label. All off: the sample as it is, and no random number is drawn. */
export interface Augmentation {
  readonly flipHorizontal: boolean;
  readonly flipVertical: boolean;
  /** At most so many pixels in each direction; the border is repeated. */
  readonly shiftPixels: number;
  /** At most so many degrees to each side around the centre, by bilinear interpolation; volumes turn in their slices. */
  readonly rotateDegrees?: number;
  /** Values become v · (1 + a) + b, both drawn from ± this; best with images whose spread is about 1. */
  readonly intensity?: number;
  /** Smooth random displacements of at most so many pixels (after Simard et al. 2003), by bilinear interpolation. */
  readonly elasticPixels?: number;
}

/** One image's `[height, width, channels]`, or a volume's `[depth, height, width, channels]`, whose slices change alike. */
export type ImageShape = readonly number[];

/** What is done to one sample. */
export interface Placement {
  readonly mirrorColumns: boolean;
  readonly mirrorRows: boolean;
  /** How far the content moves down and to the right. */
  readonly down: number;
  readonly right: number;
}

export const changesNothing = (augmentation: Augmentation): boolean => {
  const { flipHorizontal, flipVertical, shiftPixels, rotateDegrees, intensity, elasticPixels } = augmentation;
  return !flipHorizontal && !flipVertical && shiftPixels === 0 && !rotateDegrees && !intensity && !elasticPixels;
};

/** Draws a placement, uniformly over those that the augmentation allows. */
export function drawPlacement(
  { flipHorizontal, flipVertical, shiftPixels }: Augmentation,
  random: SeededRandom,
): Placement {
  const shift = (): number => (shiftPixels === 0 ? 0 : random.integer(2 * shiftPixels + 1) - shiftPixels);
  return {
    mirrorColumns: flipHorizontal && random.integer(2) === 1,
    mirrorRows: flipVertical && random.integer(2) === 1,
    down: shift(),
    right: shift(),
  };
}

/** Writes the placed sample into `target`, which must not overlap `source`. */
export function placeInto(target: Float32Array, source: Float32Array, shape: ImageShape, placement: Placement): void {
  const [height, width, channels] = shape.slice(-3) as [number, number, number];
  const slices = shape.length === 4 ? shape[0]! : 1;
  const rows = sourceIndices(height, placement.down, placement.mirrorRows);
  const columns = sourceIndices(width, placement.right, placement.mirrorColumns);
  let at = 0;
  for (let slice = 0; slice < slices; slice++) {
    for (let row = 0; row < height; row++) {
      const from = (slice * height + rows[row]!) * width;
      for (let column = 0; column < width; column++) {
        const pixel = (from + columns[column]!) * channels;
        for (let channel = 0; channel < channels; channel++) target[at++] = source[pixel + channel]!;
      }
    }
  }
}

/** Where each place of an axis takes its content from: mirrored, then moved, then held at the border. */
function sourceIndices(length: number, shift: number, mirror: boolean): Int32Array {
  return Int32Array.from({ length }, (_, i) => {
    const moved = Math.min(length - 1, Math.max(0, i - shift));
    return mirror ? length - 1 - moved : moved;
  });
}
