import { seededRandom } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { emptyField, SIDE } from './field.js';
import { HOSPITALS, type Marker, type Scanner } from './hospitals.js';
import { store } from './render.js';
import { powerOn } from './scanner.js';

const plain: Scanner = { pixelSpacing: 1, blur: 0, noise: 0, gamma: 1, gain: 1, offset: 0, vignette: 0 };
const flat = (value: number) => emptyField().fill(value);
const expose = (settings: Partial<Scanner>, exposure = flat(0.5), marker?: Marker) =>
  powerOn({ ...plain, ...settings })(exposure, marker, seededRandom('scanner'));

describe('a scanner', () => {
  it('without any fault shows the exposure, to 12 bits', () => {
    expect(Math.abs(expose({})[100]! - 0.5)).toBeLessThan(1 / 4095);
  });

  it('leaves the exposure it was given untouched', () => {
    const exposure = flat(0.3);
    expose({ noise: 0.1, blur: 1 }, exposure);
    expect(exposure).toEqual(flat(0.3));
  });

  it('follows its response curve', () => {
    expect(expose({ gamma: 2, gain: 0.8, offset: 0.1 })[0]).toBeCloseTo(0.8 * 0.25 + 0.1, 3);
  });

  it('keeps grey values between black and white', () => {
    const grey = expose({ noise: 0.5, gain: 1.5, offset: 0.2 }, flat(0.9));
    expect(Math.max(...grey)).toBeLessThanOrEqual(1);
    expect(Math.min(...grey)).toBeGreaterThanOrEqual(0);
  });

  it('darkens towards the corners only', () => {
    const grey = expose({ vignette: 0.2 });
    expect(grey[0]).toBeCloseTo(0.5 * 0.8, 3);
    expect(grey[(SIDE / 2) * SIDE + SIDE / 2]).toBeCloseTo(0.5, 3);
  });

  it('has noise of the given size at mid grey and more where more arrives', () => {
    const spread = (level: number): number => {
      const grey = expose({ noise: 0.03 }, flat(level));
      return Math.sqrt(grey.reduce((sum, value) => sum + (value - level) ** 2, 0) / grey.length);
    };
    expect(spread(0.4)).toBeCloseTo(0.03, 2);
    expect(spread(0.8)).toBeGreaterThan(spread(0.2) * 1.5);
  });

  it('blurs without changing the total, as a Gaussian of the given width', () => {
    const dot = emptyField();
    dot[(SIDE / 2) * SIDE + SIDE / 2] = 1;
    const grey = expose({ blur: 1.5 }, dot);
    expect(grey.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 1);
    expect(grey[(SIDE / 2) * SIDE + SIDE / 2]).toBeCloseTo(1 / (2 * Math.PI * 1.5 ** 2), 2);
  });

  it('burns the marker in at full scale, in its own corner', () => {
    const marker: Marker = { letter: 'L', corner: 'bottom-right', train: [0, 0], test: 0 };
    const grey = expose({}, flat(0.2), marker);
    const lit = [...grey.keys()].filter((i) => grey[i] === 1);
    expect(lit).toHaveLength(11);
    expect(lit.every((i) => i % SIDE > SIDE / 2 && i / SIDE > SIDE / 2)).toBe(true);
  });
});

describe('stored values', () => {
  it('stretch grey over the stored bits', () => {
    expect([...store(Float64Array.of(0, 0.5, 1), HOSPITALS.a.storage)]).toEqual([0, 2048, 4095]);
  });

  it('are turned over at a MONOCHROME1 hospital, where the lowest value is white', () => {
    const [name] = Object.entries(HOSPITALS).find(
      ([, { storage }]) => storage.photometricInterpretation === 'MONOCHROME1',
    )!;
    expect(name).toBe('b');
    expect([...store(Float64Array.of(0, 1), HOSPITALS.b.storage)]).toEqual([4095, 0]);
  });

  it('are signed at the hospital with a Modality LUT, which maps them to 0 and more', () => {
    const { storage } = HOSPITALS.c;
    const stored = [...store(Float64Array.of(0, 1), storage)];
    expect(stored).toEqual([-8192, 8191]);
    expect(stored.map((value) => value * storage.rescale!.slope + storage.rescale!.intercept)).toEqual([0, 4095.75]);
  });
});
