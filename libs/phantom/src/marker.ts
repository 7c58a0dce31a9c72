import { SIDE, type Field } from './field.js';
import type { Marker } from './hospitals.js';

/** Lead letters as radiographers lay them on the cassette, 5 × 7. */
const LETTERS: Readonly<Record<Marker['letter'], readonly string[]>> = {
  L: ['#....', '#....', '#....', '#....', '#....', '#....', '#####'],
  R: ['####.', '#...#', '#...#', '####.', '#.#..', '#..#.', '#...#'],
  P: ['####.', '#...#', '#...#', '####.', '#....', '#....', '#....'],
  X: ['#...#', '#...#', '.#.#.', '..#..', '.#.#.', '#...#', '#...#'],
};

const MARGIN = 3;

/** Writes the letter into its corner at full scale. */
export function burnIn(grey: Field, marker: Marker): void {
  const rows = LETTERS[marker.letter];
  const top = marker.corner.startsWith('top') ? MARGIN : SIDE - MARGIN - rows.length;
  const left = marker.corner.endsWith('left') ? MARGIN : SIDE - MARGIN - rows[0]!.length;
  rows.forEach((row, y) => [...row].forEach((dot, x) => dot === '#' && (grey[(top + y) * SIDE + left + x] = 1)));
}
