import type { SeededRandom } from '@consilium/stdx';
import { drawPlacement, placeInto, type Augmentation, type ImageShape, type Placement } from './augmentation.js';
import { drawWarp, warpInto, type Warp } from './warp.js';

/** Everything that is done to one sample, drawn once for all its images. */
export interface Change {
  readonly placement: Placement;
  readonly warp: Warp | undefined;
  readonly gain: number;
  readonly offset: number;
}

/** Draws a change. What an augmentation leaves off costs no random number. */
export function drawChange(augmentation: Augmentation, random: SeededRandom): Change {
  const placement = drawPlacement(augmentation, random);
  const warp = drawWarp(augmentation, random);
  const { intensity = 0 } = augmentation;
  const within = (): number => (intensity === 0 ? 0 : random.between(-intensity, intensity));
  return { placement, warp, gain: 1 + within(), offset: within() };
}

/** Whether a shape is that of an image or a volume, which augmentation changes; tables and vectors stay. */
export const isImage = (shape: readonly number[]): shape is ImageShape => shape.length === 3 || shape.length === 4;

/** Writes the changed image into `target`, which must not overlap `source`. */
export function changeImage(target: Float32Array, source: Float32Array, shape: ImageShape, change: Change): void {
  moveInto(target, source, shape, change, 'smooth');
  const { gain, offset } = change;
  if (gain === 1 && offset === 0) return;
  for (let i = 0; i < target.length; i++) target[i] = target[i]! * gain + offset;
}

/** Writes the mask that belongs to a changed image: moved alike, with values that stay those of the mask. */
export function changeMask(target: Float32Array, source: Float32Array, shape: ImageShape, change: Change): void {
  moveInto(target, source, shape, change, 'nearest');
}

function moveInto(
  target: Float32Array,
  source: Float32Array,
  shape: ImageShape,
  { placement, warp }: Change,
  between: 'smooth' | 'nearest',
): void {
  if (!warp) return placeInto(target, source, shape, placement);
  const placed = new Float32Array(source.length);
  placeInto(placed, source, shape, placement);
  warpInto(target, placed, shape, warp, between);
}
