import { seededRandom } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesNothing, drawPlacement, placeInto, type Placement } from './augmentation.js';

const STAY: Placement = { mirrorColumns: false, mirrorRows: false, down: 0, right: 0 };

function placed(values: number[], shape: number[], placement: Partial<Placement>): number[] {
  const target = new Float32Array(values.length);
  placeInto(target, Float32Array.from(values), shape, { ...STAY, ...placement });
  return [...target];
}

// prettier-ignore
const IMAGE = [
  1, 2, 3,
  4, 5, 6,
];

describe('a placement', () => {
  it('that changes nothing gives the sample as it was', () => {
    expect(placed(IMAGE, [2, 3, 1], {})).toEqual(IMAGE);
  });

  it('mirrors columns', () => {
    expect(placed(IMAGE, [2, 3, 1], { mirrorColumns: true })).toEqual([3, 2, 1, 6, 5, 4]);
  });

  it('mirrors rows', () => {
    expect(placed(IMAGE, [2, 3, 1], { mirrorRows: true })).toEqual([4, 5, 6, 1, 2, 3]);
  });

  it('moves content to the right and repeats the border', () => {
    expect(placed(IMAGE, [2, 3, 1], { right: 1 })).toEqual([1, 1, 2, 4, 4, 5]);
  });

  it('moves content up and repeats the border', () => {
    expect(placed(IMAGE, [2, 3, 1], { down: -1 })).toEqual([4, 5, 6, 4, 5, 6]);
  });

  it('moves what was mirrored', () => {
    expect(placed(IMAGE, [2, 3, 1], { mirrorColumns: true, right: 1 })).toEqual([3, 3, 2, 6, 6, 5]);
  });

  it('survives moves that are longer than the image', () => {
    expect(placed(IMAGE, [2, 3, 1], { right: 9, down: -9 })).toEqual([4, 4, 4, 4, 4, 4]);
  });

  it('keeps the channels of a pixel together', () => {
    expect(placed([1, 10, 2, 20, 3, 30], [1, 3, 2], { mirrorColumns: true })).toEqual([3, 30, 2, 20, 1, 10]);
  });

  it('does the same to every slice of a volume', () => {
    expect(placed([...IMAGE, ...IMAGE.map((v) => -v)], [2, 2, 3, 1], { mirrorColumns: true })).toEqual([
      3, 2, 1, 6, 5, 4, -3, -2, -1, -6, -5, -4,
    ]);
  });

  it('twice mirrored is the sample again', () => {
    const image = fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 24, maxLength: 24 });
    fc.assert(
      fc.property(image, fc.boolean(), fc.boolean(), (values, mirrorColumns, mirrorRows) => {
        const shape = [4, 3, 2];
        const mirror = { mirrorColumns, mirrorRows };
        expect(placed(placed(values, shape, mirror), shape, mirror)).toEqual(values);
      }),
    );
  });
});

describe('drawing placements', () => {
  it('stays within what the augmentation allows and reaches all of it', () => {
    const random = seededRandom('test');
    const drawn = Array.from({ length: 2000 }, () =>
      drawPlacement({ flipHorizontal: true, flipVertical: false, shiftPixels: 2 }, random),
    );
    expect(new Set(drawn.map(({ down }) => down))).toEqual(new Set([-2, -1, 0, 1, 2]));
    expect(new Set(drawn.map(({ right }) => right))).toEqual(new Set([-2, -1, 0, 1, 2]));
    expect(new Set(drawn.map(({ mirrorColumns }) => mirrorColumns))).toEqual(new Set([true, false]));
    expect(drawn.every(({ mirrorRows }) => !mirrorRows)).toBe(true);
  });

  it('is known to be needless when everything is off', () => {
    expect(changesNothing({ flipHorizontal: false, flipVertical: false, shiftPixels: 0 })).toBe(true);
    expect(changesNothing({ flipHorizontal: false, flipVertical: true, shiftPixels: 0 })).toBe(false);
    expect(changesNothing({ flipHorizontal: false, flipVertical: false, shiftPixels: 1 })).toBe(false);
    const off = { flipHorizontal: false, flipVertical: false, shiftPixels: 0 };
    for (const on of [{ rotateDegrees: 5 }, { intensity: 0.1 }, { elasticPixels: 2 }]) {
      expect(changesNothing({ ...off, ...on })).toBe(false);
    }
  });
});
