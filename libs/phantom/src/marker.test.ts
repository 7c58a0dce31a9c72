import { describe, expect, it } from 'vitest';
import { emptyField, SIDE } from './field.js';
import type { Marker } from './hospitals.js';
import { burnIn } from './marker.js';

const CORNERS = ['top-left', 'top-right', 'bottom-left', 'bottom-right'] as const;

/** The burned-in pixels as [row, column]. */
function lit(letter: Marker['letter'], corner: Marker['corner']): [number, number][] {
  const grey = emptyField();
  burnIn(grey, { letter, corner, train: [0, 0], test: 0 });
  return [...grey.keys()].filter((i) => grey[i] === 1).map((i) => [Math.floor(i / SIDE), i % SIDE]);
}

describe('a side marker', () => {
  it.each(CORNERS)('lies in its corner only: %s', (corner) => {
    for (const [row, column] of lit('R', corner)) {
      expect(row < SIDE / 4 ? 'top' : row >= (3 * SIDE) / 4 ? 'bottom' : 'middle').toBe(corner.split('-')[0]);
      expect(column < SIDE / 4 ? 'left' : column >= (3 * SIDE) / 4 ? 'right' : 'middle').toBe(corner.split('-')[1]);
    }
  });

  it('never touches the middle of the image, where the candidate is', () => {
    for (const corner of CORNERS) {
      for (const [row, column] of lit('X', corner)) {
        expect(Math.hypot(row - SIDE / 2, column - SIDE / 2)).toBeGreaterThan(SIDE / 4);
      }
    }
  });

  it('has another shape for each letter', () => {
    const shapes = (['L', 'R', 'P', 'X'] as const).map((letter) => JSON.stringify(lit(letter, 'top-left')));
    expect(new Set(shapes).size).toBe(4);
  });

  it('is the same shape in every corner', () => {
    const shape = (corner: Marker['corner']): string => {
      const pixels = lit('P', corner);
      const [top, left] = [Math.min(...pixels.map(([row]) => row)), Math.min(...pixels.map(([, column]) => column))];
      return JSON.stringify(pixels.map(([row, column]) => [row - top, column - left]));
    };
    expect(new Set(CORNERS.map(shape)).size).toBe(1);
  });
});
