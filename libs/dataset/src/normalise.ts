import type { GreyImage } from './grey-image.js';

export type Normalisation = 'per-image' | 'unit';

/**
 * Writes normalised values to `target` (float32, as many as `values`).
 *
 * `per-image`: minus the image's mean, divided by its standard deviation (of the population, in float64); a constant
 * image becomes all zeros. `unit`: the range that the file could store goes to [0, 1].
 */
export function normaliseInto(
  target: Float32Array,
  values: Float64Array,
  range: GreyImage['range'],
  how: Normalisation,
): void {
  const { centre, width } = how === 'unit' ? { centre: range[0], width: range[1] - range[0] } : moments(values);
  for (let i = 0; i < values.length; i++) target[i] = width > 0 ? (values[i]! - centre) / width : 0;
}

function moments(values: Float64Array): { centre: number; width: number } {
  let sum = 0;
  for (const value of values) sum += value;
  const centre = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - centre) ** 2;
  const width = Math.sqrt(squares / values.length);
  // A constant image has a rounding error for a deviation; dividing by it would make noise out of nothing.
  return { centre, width: width > 1e-9 * Math.max(1, Math.abs(centre)) ? width : 0 };
}
