import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { greyOf, storedValues } from './grey.js';
import type { StoredImage } from './image.js';

const stored = (values: readonly number[], changes: Partial<StoredImage> = {}): StoredImage => ({
  rows: 1,
  columns: values.length,
  bitsAllocated: 16,
  bitsStored: 12,
  signed: false,
  inverted: false,
  rescaleSlope: 1,
  rescaleIntercept: 0,
  pixelData: new Uint8Array(Uint16Array.from(values).buffer),
  ...changes,
});

describe('stored values', () => {
  it('lose the bits above BitsStored', () => {
    expect([...storedValues(stored([0xf001, 0x0fff]))]).toEqual([1, 4095]);
  });

  it('are sign-extended from BitsStored, not from BitsAllocated', () => {
    expect([...storedValues(stored([0x0fff, 0x0800, 0x07ff], { signed: true }))]).toEqual([-1, -2048, 2047]);
  });

  it('may be bytes', () => {
    const bytes = { bitsAllocated: 8, bitsStored: 8, pixelData: Uint8Array.of(0, 128, 255) } as const;
    expect([...storedValues(stored([0, 0, 0], bytes))]).toEqual([0, 128, 255]);
    expect([...storedValues(stored([0, 0, 0], { ...bytes, signed: true }))]).toEqual([0, -128, -1]);
  });

  it('come back from any 16-bit pattern as DICOM defines them', () => {
    fc.assert(
      fc.property(fc.integer({ min: -32768, max: 32767 }), (value) => {
        expect([...storedValues(stored([value & 0xffff], { bitsStored: 16, signed: true }))]).toEqual([value]);
        expect([...storedValues(stored([value & 0xffff], { bitsStored: 16 }))]).toEqual([value & 0xffff]);
      }),
    );
  });
});

describe('grey values', () => {
  it('follow the Modality LUT', () => {
    const image = greyOf(stored([0, 100], { rescaleSlope: 0.5, rescaleIntercept: -10 }));
    expect([...image.values]).toEqual([-10, 40]);
    expect(image.range).toEqual([-10, 0.5 * 4095 - 10]);
  });

  it('of MONOCHROME1 are turned over, so that bright always means the same', () => {
    const image = greyOf(stored([0, 4095, 1000], { inverted: true }));
    expect([...image.values]).toEqual([4095, 0, 3095]);
    expect(image.range).toEqual([0, 4095]);
  });

  it('turn over twice under a falling Modality LUT', () => {
    const image = greyOf(stored([0, 4095], { inverted: true, rescaleSlope: -1, rescaleIntercept: 4095 }));
    expect([...image.values]).toEqual([0, 4095]);
  });

  it('always lie in their range', () => {
    const changes = fc.record({
      bitsStored: fc.integer({ min: 1, max: 16 }),
      signed: fc.boolean(),
      inverted: fc.boolean(),
      rescaleSlope: fc.double({ min: -100, max: 100, noNaN: true }).filter((slope) => slope !== 0),
      rescaleIntercept: fc.double({ min: -5000, max: 5000, noNaN: true }),
    });
    fc.assert(
      fc.property(changes, fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 20 }), (change, values) => {
        const { values: grey, range } = greyOf(stored(values, change));
        const slack = 1e-9 * (1 + Math.abs(range[0]) + Math.abs(range[1]));
        for (const value of grey) expect(value >= range[0] - slack && value <= range[1] + slack).toBe(true);
      }),
    );
  });
});
