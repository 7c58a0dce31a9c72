import { seededRandom } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { addClutter } from './clutter.js';
import { add, addBrightest, emptyField, SIDE, type Field } from './field.js';
import { drawAnatomy, drawCandidate } from './scene.js';

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: ArrayLike<number>): number => {
  const centre = mean(values);
  return Math.sqrt(mean(Array.from(values, (value) => (value - centre) ** 2)));
};

/** Mean brightness of the middle third less that of the whole image. */
function centreExcess(field: Field): number {
  const third = SIDE / 3;
  const middle = Array.from(field).filter((_, i) => {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    return x >= third && x < 2 * third && y >= third && y < 2 * third;
  });
  return mean(middle) - mean(field);
}

describe('the lung texture', () => {
  it('has mean zero and exactly the standard deviation that was asked for', () => {
    const field = emptyField();
    addClutter(field, seededRandom('texture'), 1, 0.05);
    expect(deviation(field)).toBeCloseTo(0.05, 12);
  });

  it('is the sum of its plane waves, computed one by one', () => {
    const field = emptyField();
    addClutter(field, seededRandom('waves'), 0.9, 1);
    const random = seededRandom('waves');
    const slow = emptyField();
    for (let wave = 0; wave < 24; wave++) {
      const [frequency, angle, phase] = [
        random.between(0.5, 9),
        random.between(0, Math.PI),
        random.between(0, 2 * Math.PI),
      ];
      const turn = (2 * Math.PI * frequency * 0.9) / SIDE;
      for (let y = 0; y < SIDE; y++) {
        for (let x = 0; x < SIDE; x++) {
          slow[y * SIDE + x]! += Math.cos(turn * (x * Math.cos(angle) + y * Math.sin(angle)) + phase) / frequency;
        }
      }
    }
    const factor = 1 / deviation(slow);
    for (let i = 0; i < field.length; i++) expect(field[i]).toBeCloseTo(slow[i]! * factor, 9);
  });

  it('has more power in coarse structures than in fine ones', () => {
    const field = emptyField();
    addClutter(field, seededRandom('spectrum'), 1, 1);
    const step = (distance: number): number =>
      mean(
        Array.from({ length: SIDE * (SIDE - distance) }, (_, i) => {
          const at = Math.floor(i / (SIDE - distance)) * SIDE + (i % (SIDE - distance));
          return (field[at + distance]! - field[at]!) ** 2;
        }),
      );
    expect(step(1)).toBeLessThan(step(8) / 4);
  });
});

describe('painting', () => {
  it('places pixels in millimetres around the centre', () => {
    const field = emptyField();
    add(field, 2, (x) => x);
    expect(field[0]).toBe(-(SIDE - 1));
    expect(field[SIDE - 1]).toBe(SIDE - 1);
    expect(mean(field)).toBeCloseTo(0, 12);
  });

  it('adds only the brightest of overlapping strokes', () => {
    const field = emptyField();
    addBrightest(field, 1, [() => 0.2, () => 0.5]);
    expect(new Set(field)).toEqual(new Set([0.5]));
  });
});

describe('a candidate', () => {
  const many = (label: 0 | 1): number =>
    mean(
      Array.from({ length: 60 }, (_, i) => {
        const random = seededRandom('candidate', i);
        return centreExcess(drawCandidate(drawAnatomy(random), label, random, 1));
      }),
    );

  it('is brighter at its centre than around it, more so with a nodule than with a mimic', () => {
    expect(many(1)).toBeGreaterThan(many(0));
    expect(many(0)).toBeGreaterThan(0);
  });

  it('differs between two images of one patient, whose tissue stays the same', () => {
    const anatomy = drawAnatomy(seededRandom('patient'));
    const [first, second] = [1, 2].map((image) => drawCandidate(anatomy, 0, seededRandom('image', image), 1)) as [
      Field,
      Field,
    ];
    expect(first).not.toEqual(second);
    expect(Math.abs(mean(first) - mean(second))).toBeLessThan(0.05);
  });

  it('has finite exposures', () => {
    for (const label of [0, 1] as const) {
      const random = seededRandom('finite', label);
      expect(drawCandidate(drawAnatomy(random), label, random, 0.85).every(Number.isFinite)).toBe(true);
    }
  });
});
