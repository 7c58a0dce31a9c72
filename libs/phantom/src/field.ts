/** Pixels along each side of every phantom image. */
export const SIDE = 48;

/** A square of exposures or grey values, SIDE × SIDE, row by row; 0 is black and 1 full scale. */
export type Field = Float64Array;

export const emptyField = (): Field => new Float64Array(SIDE * SIDE);

/** A place in millimetres from the centre of the field; y grows downwards. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Calls `paint` for each pixel with its place in millimetres, and adds what it answers. */
export function add(field: Field, spacing: number, paint: (x: number, y: number) => number): void {
  const half = (SIDE - 1) / 2;
  for (let row = 0, at = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++, at++) {
      field[at]! += paint((column - half) * spacing, (row - half) * spacing);
    }
  }
}

/** The largest of the fields at each pixel is added: two vessels that cross are not twice as bright where they meet. */
export function addBrightest(
  field: Field,
  spacing: number,
  paints: readonly ((x: number, y: number) => number)[],
): void {
  add(field, spacing, (x, y) => {
    let brightest = 0;
    for (const paint of paints) brightest = Math.max(brightest, paint(x, y));
    return brightest;
  });
}
