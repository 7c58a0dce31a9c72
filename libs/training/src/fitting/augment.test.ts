import { seededRandom } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { changeImage, changeMask, drawChange, isImage } from './augment.js';

const OFF = { flipHorizontal: false, flipVertical: false, shiftPixels: 0 };
const image = Float32Array.from({ length: 24 }, (_, i) => i);

describe('a change', () => {
  it('of intensity multiplies and adds the same everywhere', () => {
    const change = drawChange({ ...OFF, intensity: 0.3 }, seededRandom('test'));
    const target = new Float32Array(24);
    changeImage(target, image, [4, 6, 1], change);
    expect(Math.abs(change.gain - 1)).toBeLessThanOrEqual(0.3);
    expect(Math.abs(change.offset)).toBeLessThanOrEqual(0.3);
    target.forEach((value, i) => expect(value).toBeCloseTo(i * change.gain + change.offset, 5));
  });

  it('leaves the values of a mask', () => {
    const change = drawChange(
      { ...OFF, flipHorizontal: true, intensity: 0.3, rotateDegrees: 40 },
      seededRandom('test'),
    );
    const mask = image.map((value) => (value % 3 === 0 ? 1 : 0));
    const target = new Float32Array(24);
    changeMask(target, mask, [4, 6, 1], change);
    expect(new Set(target)).toEqual(new Set([0, 1]));
  });

  it('that is off draws nothing and changes nothing', () => {
    const random = seededRandom('test');
    const change = drawChange(OFF, random);
    expect(random.uniform()).toBe(seededRandom('test').uniform());
    const target = new Float32Array(24);
    changeImage(target, image, [4, 6, 1], change);
    expect(target).toEqual(image);
  });

  it('is for images and volumes, not for tables', () => {
    expect([[8], [8, 4], [8, 8, 1], [4, 8, 8, 1]].map(isImage)).toEqual([false, false, true, true]);
  });
});
