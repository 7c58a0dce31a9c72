import { seededRandom } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { drawWarp, warpInto, type Warp } from './warp.js';

const OFF = { flipHorizontal: false, flipVertical: false, shiftPixels: 0 };
const NONE = new Float64Array();
const turn = (degrees: number): Warp => ({ radians: (degrees * Math.PI) / 180, down: NONE, right: NONE });

function warped(values: number[], shape: number[], warp: Warp, between: 'smooth' | 'nearest' = 'smooth'): number[] {
  const target = new Float32Array(values.length);
  warpInto(target, Float32Array.from(values), shape, warp, between);
  return [...target];
}

const expectClose = (came: number[], expected: number[]): void =>
  expected.forEach((value, i) => expect(came[i]).toBeCloseTo(value, 4));

// prettier-ignore
const IMAGE = [
  1, 2, 3,
  4, 5, 6,
  7, 8, 9,
];

describe('a warp', () => {
  it('of nothing leaves the sample as it is', () => {
    expectClose(warped(IMAGE, [3, 3, 1], turn(0)), IMAGE);
  });

  it('turns by a right angle to the very pixels', () => {
    expectClose(warped(IMAGE, [3, 3, 1], turn(90)), [7, 4, 1, 8, 5, 2, 9, 6, 3]);
    expectClose(warped(IMAGE, [3, 3, 1], turn(180)), [...IMAGE].reverse());
  });

  it('takes the mean of four pixels from the middle between them', () => {
    const half = new Float64Array(16).fill(0.5);
    const came = warped(IMAGE, [3, 3, 1], { radians: 0, down: half, right: half });
    expect(came[0]).toBeCloseTo((1 + 2 + 4 + 5) / 4, 5);
    // At the border the image is repeated.
    expect(came[8]).toBeCloseTo(9, 5);
  });

  it('keeps the values of a mask where it takes the nearest pixel', () => {
    const mask = IMAGE.map((value) => (value > 4 ? 1 : 0));
    const came = warped(mask, [3, 3, 1], turn(30), 'nearest');
    expect(came.every((value) => value === 0 || value === 1)).toBe(true);
    expect(warped(mask, [3, 3, 1], turn(30)).some((value) => value > 0 && value < 1)).toBe(true);
  });

  it('does the same to every slice and channel', () => {
    const twice = [...IMAGE, ...IMAGE.map((value) => 10 * value)];
    const volume = warped(twice, [2, 3, 3, 1], turn(25));
    expectClose(
      volume.slice(9),
      volume.slice(0, 9).map((value) => 10 * value),
    );
    const channels = warped(
      IMAGE.flatMap((value) => [value, -value]),
      [3, 3, 2],
      turn(25),
    );
    expectClose(
      channels.filter((_, i) => i % 2 === 0),
      volume.slice(0, 9),
    );
  });

  it('keeps a constant image', () => {
    const warp = drawWarp({ ...OFF, rotateDegrees: 45, elasticPixels: 3 }, seededRandom('test'))!;
    expectClose(warped(new Array<number>(20).fill(7), [4, 5, 1], warp), new Array<number>(20).fill(7));
  });
});

describe('drawing warps', () => {
  it('costs no random number where none is allowed', () => {
    const random = seededRandom('test');
    expect(drawWarp(OFF, random)).toBeUndefined();
    expect(random.uniform()).toBe(seededRandom('test').uniform());
  });

  it('stays within what is allowed, and is the same for the same seed', () => {
    const spec = { ...OFF, rotateDegrees: 10, elasticPixels: 2 };
    const warps = Array.from({ length: 200 }, (_, i) => drawWarp(spec, seededRandom('test', i))!);
    for (const { radians, down, right } of warps) {
      expect(Math.abs(radians)).toBeLessThanOrEqual((10 * Math.PI) / 180);
      expect([...down, ...right].every((pixels) => Math.abs(pixels) <= 2)).toBe(true);
    }
    expect(warps[7]).toEqual(drawWarp(spec, seededRandom('test', 7)));
    expect(warps[7]).not.toEqual(warps[8]);
  });
});
