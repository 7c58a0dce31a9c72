import { invariant } from '@consilium/stdx';

/** One output pixel along an axis: which input pixels it mixes, and how much of each; the weights sum to 1. */
interface Mix {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Resizes images of one size to another; [height, width] in pixels, rows and columns each on their own. */
export type Resize = (values: Float64Array) => Float64Array;

/**
 * Shrinking averages the area that each output pixel covers, so that no input pixel is skipped; growing interpolates
 * linearly between pixel centres. The aspect ratio follows `to`. A constant image stays constant.
 */
export function resizer(from: readonly [number, number], to: readonly [number, number]): Resize {
  const [rows, columns] = [axis(from[0], to[0]), axis(from[1], to[1])];
  return (values) => {
    invariant(values.length === from[0] * from[1], 'a resizer is made for one size');
    const narrow = new Float64Array(from[0] * to[1]);
    for (let y = 0; y < from[0]; y++) {
      columns.forEach(({ first, weights }, x) => {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * values[y * from[1] + first + k]!;
        narrow[y * to[1] + x] = sum;
      });
    }
    const result = new Float64Array(to[0] * to[1]);
    rows.forEach(({ first, weights }, y) => {
      for (let x = 0; x < to[1]; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * narrow[(first + k) * to[1] + x]!;
        result[y * to[1] + x] = sum;
      }
    });
    return result;
  };
}

function axis(from: number, to: number): Mix[] {
  return Array.from({ length: to }, (_, i) => (to <= from ? covered(i, from, to) : between(i, from, to)));
}

function covered(i: number, from: number, to: number): Mix {
  // In integers of 1/to pixel, so that an exact multiple gives exact weights.
  const [start, end] = [i * from, (i + 1) * from];
  const first = Math.floor(start / to);
  const last = Math.ceil(end / to) - 1;
  const weights = Array.from({ length: last - first + 1 }, (_, k) => {
    const pixel = (first + k) * to;
    return (Math.min(end, pixel + to) - Math.max(start, pixel)) / from;
  });
  return { first, weights };
}

function between(i: number, from: number, to: number): Mix {
  const centre = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
  const first = Math.min(Math.floor(centre), Math.max(0, from - 2));
  const share = centre - first;
  return from === 1 ? { first: 0, weights: [1] } : { first, weights: [1 - share, share] };
}
