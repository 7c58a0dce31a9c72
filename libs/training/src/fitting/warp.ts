import type { SeededRandom } from '@consilium/stdx';
import type { Augmentation, ImageShape } from './augmentation.js';

/** Control points of the elastic field along each axis, the image's corners included. */
const CONTROL = 4;

/** A rotation about the centre and a smooth field of displacements on top of it. */
export interface Warp {
  readonly radians: number;
  /** `[CONTROL, CONTROL]` displacements in pixels, down and to the right; empty where there are none. */
  readonly down: Float64Array;
  readonly right: Float64Array;
}

/** Draws a warp, uniformly over those that the augmentation allows; undefined where it allows none. */
export function drawWarp(
  { rotateDegrees = 0, elasticPixels = 0 }: Augmentation,
  random: SeededRandom,
): Warp | undefined {
  if (rotateDegrees === 0 && elasticPixels === 0) return undefined;
  const radians = (random.between(-rotateDegrees, rotateDegrees) * Math.PI) / 180;
  const field = (): Float64Array =>
    Float64Array.from({ length: elasticPixels === 0 ? 0 : CONTROL * CONTROL }, () =>
      random.between(-elasticPixels, elasticPixels),
    );
  return { radians, down: field(), right: field() };
}

/**
 * Writes the warped sample into `target`, which must not overlap `source`. Each place takes its value from where it came
 * from, between pixels bilinearly (`smooth`) or from the nearest one, as masks need it; outside, the border is repeated.
 */
export function warpInto(
  target: Float32Array,
  source: Float32Array,
  shape: ImageShape,
  warp: Warp,
  between: 'smooth' | 'nearest',
): void {
  const [height, width, channels] = shape.slice(-3) as [number, number, number];
  const slices = shape.length === 4 ? shape[0]! : 1;
  const [cos, sin] = [Math.cos(warp.radians), Math.sin(warp.radians)];
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2];
  const plane = height * width * channels;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [y, x] = [row - middleRow, column - middleColumn];
      const fromRow = cos * y - sin * x + middleRow + displacement(warp.down, row / height, column / width);
      const fromColumn = sin * y + cos * x + middleColumn + displacement(warp.right, row / height, column / width);
      const corners = cornersOf(fromRow, fromColumn, height, width, between);
      for (let slice = 0; slice < slices; slice++) {
        const at = slice * plane + (row * width + column) * channels;
        for (let channel = 0; channel < channels; channel++) {
          let value = 0;
          for (const [pixel, share] of corners) value += share * source[slice * plane + pixel * channels + channel]!;
          target[at + channel] = value;
        }
      }
    }
  }
}

type Corner = readonly [pixel: number, share: number];

/** The pixels that a place between pixels takes its value from, and how much of each. */
function cornersOf(row: number, column: number, height: number, width: number, between: string): readonly Corner[] {
  const [y, x] = [clamp(row, height - 1), clamp(column, width - 1)];
  if (between === 'nearest') return [[Math.round(y) * width + Math.round(x), 1]];
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [bottom, right] = [Math.min(height - 1, top + 1), Math.min(width - 1, left + 1)];
  const [v, u] = [y - top, x - left];
  return [
    [top * width + left, (1 - v) * (1 - u)],
    [top * width + right, (1 - v) * u],
    [bottom * width + left, v * (1 - u)],
    [bottom * width + right, v * u],
  ];
}

/** The field at a place whose coordinates are shares of the image, bilinear between its control points. */
function displacement(field: Float64Array, v: number, u: number): number {
  if (field.length === 0) return 0;
  const corners = cornersOf(v * (CONTROL - 1), u * (CONTROL - 1), CONTROL, CONTROL, 'smooth');
  return corners.reduce((sum, [at, share]) => sum + share * field[at]!, 0);
}

const clamp = (value: number, max: number): number => Math.min(max, Math.max(0, value));
