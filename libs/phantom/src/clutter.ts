import type { SeededRandom } from '@consilium/stdx';
import { SIDE, type Field } from './field.js';

const WAVES = 24;

/**
 * Adds texture with the power-law spectrum of projected anatomy (Burgess et al. 2001, Med. Phys. 28, 419): a sum of
 * plane waves whose amplitude falls with their frequency, scaled to standard deviation `strength`.
 *
 * Since cos(αx + βy + φ) = cos(αx)·cos(βy + φ) − sin(αx)·sin(βy + φ), the whole sum is a product of two matrices with
 * a row for each pixel row or column and two entries for each wave, and costs few cosines.
 */
export function addClutter(field: Field, random: SeededRandom, spacing: number, strength: number): void {
  const terms = 2 * WAVES;
  const [ofColumn, ofRow] = [new Float64Array(SIDE * terms), new Float64Array(SIDE * terms)];
  for (let wave = 0; wave < WAVES; wave++) {
    const frequency = random.between(0.5, 9);
    const angle = random.between(0, Math.PI);
    const phase = random.between(0, 2 * Math.PI);
    const alpha = (2 * Math.PI * frequency * spacing * Math.cos(angle)) / SIDE;
    const beta = (2 * Math.PI * frequency * spacing * Math.sin(angle)) / SIDE;
    for (let i = 0, at = 2 * wave; i < SIDE; i++, at += terms) {
      ofColumn[at] = Math.cos(alpha * i) / frequency;
      ofColumn[at + 1] = -Math.sin(alpha * i) / frequency;
      ofRow[at] = Math.cos(beta * i + phase);
      ofRow[at + 1] = Math.sin(beta * i + phase);
    }
  }
  const texture = product(ofRow, ofColumn, terms);
  const mean = texture.reduce((sum, value) => sum + value, 0) / texture.length;
  const variance = texture.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / texture.length;
  const factor = strength / Math.sqrt(variance);
  for (let i = 0; i < field.length; i++) field[i]! += texture[i]! * factor;
}

/** SIDE × SIDE scalar products of rows of `terms` numbers; four sums at a time, since each alone waits for itself. */
function product(rows: Float64Array, columns: Float64Array, terms: number): Float64Array {
  const result = new Float64Array(SIDE * SIDE);
  for (let y = 0, at = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x += 4, at += 4) {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let k = 0, r = y * terms, q = x * terms; k < terms; k++, r++, q++) {
        const row = rows[r]!;
        a += row * columns[q]!;
        b += row * columns[q + terms]!;
        c += row * columns[q + 2 * terms]!;
        d += row * columns[q + 3 * terms]!;
      }
      result[at] = a;
      result[at + 1] = b;
      result[at + 2] = c;
      result[at + 3] = d;
    }
  }
  return result;
}
