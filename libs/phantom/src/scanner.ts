import type { SeededRandom } from '@consilium/stdx';
import { SIDE, type Field } from './field.js';
import type { Marker, Scanner } from './hospitals.js';
import { burnIn } from './marker.js';

/** Exposure levels that a detector tells apart: 12 bits. */
const LEVELS = 4096;

/** Takes an exposure and answers grey values in [0, 1]; `marker` is the side marker that lies on the cassette, if any. */
export type Acquire = (exposure: Field, marker: Marker | undefined, random: SeededRandom) => Field;

/**
 * A scanner that is ready to expose: blur, quantum noise (its variance grows with the exposure), response curve and
 * vignetting; last the side marker, burned in at full scale.
 */
export function powerOn(scanner: Scanner): Acquire {
  const response = responseCurve(scanner);
  const half = SIDE / 2;
  return (exposure, marker, random) => {
    const grey = blurred(exposure, scanner.blur);
    for (let row = 0, at = 0; row < SIDE; row++) {
      for (let column = 0; column < SIDE; column++, at++) {
        const light = grey[at]! + scanner.noise * random.normal() * Math.sqrt(Math.max(0.05, grey[at]!) / 0.4);
        const level = Math.min(LEVELS - 1, Math.max(0, Math.round(light * (LEVELS - 1))));
        const corner = ((column - half) ** 2 + (row - half) ** 2) / (2 * half * half);
        grey[at] = Math.min(1, Math.max(0, response[level]! * (1 - scanner.vignette * corner)));
      }
    }
    if (marker) burnIn(grey, marker);
    return grey;
  };
}

/** grey = gain · exposure^gamma + offset for each level. */
function responseCurve({ gain, gamma, offset }: Scanner): Float64Array {
  return Float64Array.from({ length: LEVELS }, (_, level) => gain * (level / (LEVELS - 1)) ** gamma + offset);
}

/** Gaussian blur, rows then columns; the border is repeated. */
function blurred(field: Field, sigma: number): Field {
  if (sigma === 0) return field.slice();
  const reach = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  const pass = (source: Field, step: number, across: number): Field => {
    const target = new Float64Array(source.length);
    const line = new Float64Array(SIDE + 2 * reach);
    for (let k = 0; k < SIDE; k++) {
      for (let i = -reach; i < SIDE + reach; i++)
        line[i + reach] = source[k * across + Math.min(SIDE - 1, Math.max(0, i)) * step]!;
      for (let i = 0; i < SIDE; i++) {
        let sum = 0;
        for (let j = 0; j < kernel.length; j++) sum += kernel[j]! * line[i + j]!;
        target[k * across + i * step] = sum / total;
      }
    }
    return target;
  };
  return pass(pass(field, 1, SIDE), SIDE, 1);
}
