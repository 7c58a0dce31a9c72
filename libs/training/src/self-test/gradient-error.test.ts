import { describe, expect, it } from 'vitest';
import { gradientError, type Differentiate } from './gradient-error.js';
import { CURVED, operationOf } from './operation.js';

/** A graph of one tensor of 40 values; what is differentiated below is not the graph but a function of its weights. */
const FORTY = operationOf('cube', { type: 'flatten' }, { fed: [[4, 5]], samples: 2, step: CURVED });

/** The sum of cubes, with a gradient that may be changed. */
const cubes =
  (change: (gradient: Float32Array, weights: Float32Array) => void = () => undefined): Differentiate =>
  ({ weights: { values } }) => {
    const gradient = values.map((w) => 3 * w * w);
    change(gradient, values);
    return { loss: values.reduce((sum, w) => sum + w ** 3, 0), gradient };
  };

const scale =
  (factor: number) =>
  (gradient: Float32Array): void =>
    gradient.forEach((value, i) => (gradient[i] = factor * value));

describe('the error of a gradient', () => {
  it('is small for the right one', async () => {
    expect(await gradientError(FORTY, cubes())).toBeLessThan(1e-3);
  });

  it('is 1 where there is none, and two thirds for a third of it', async () => {
    expect(await gradientError(FORTY, cubes(scale(0)))).toBeCloseTo(1, 3);
    const third = await gradientError(FORTY, cubes(scale(1 / 3)));
    expect(third).toBeGreaterThan(0.1);
    expect(third).toBeLessThan(3);
  });

  it('finds a single wrong entry among forty', async () => {
    // The largest: the values go from −0.8 to 0.76 by 0.04.
    const oneWrong = (gradient: Float32Array): void => {
      const at = gradient.indexOf(Math.max(...gradient));
      gradient[at] = 0;
    };
    expect(await gradientError(FORTY, cubes(oneWrong))).toBeGreaterThan(0.05);
  });

  it.each([NaN, Infinity])('is infinite for %d', async (value) => {
    expect(
      await gradientError(
        FORTY,
        cubes((gradient) => gradient.fill(value, 3, 4)),
      ),
    ).toBe(Infinity);
  });

  it('is infinite for a loss that is not a number', async () => {
    const lost: Differentiate = ({ weights }) => ({ loss: NaN, gradient: weights.values.slice() });
    expect(await gradientError(FORTY, lost)).toBe(Infinity);
  });

  it('is the same each time', async () => {
    expect(await gradientError(FORTY, cubes())).toBe(await gradientError(FORTY, cubes()));
  });

  it('asks for one batch, with one row and one row of targets for each sample', async () => {
    const asked = new Set<string>();
    const listening: Differentiate = (job) => {
      asked.add([job.count, job.images.length, job.labels.length, job.loss].join(' '));
      return cubes()(job);
    };
    await gradientError(FORTY, listening);
    expect([...asked]).toEqual(['2 4 40 mean-squared-error']);
  });
});
