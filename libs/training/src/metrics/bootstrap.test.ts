import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrap, type BootstrapMethod } from './bootstrap.js';
import { bootstrapMetrics } from './bootstrap-metrics.js';
import { measure } from './measure.js';

const SAMPLE = [1.2, 0.4, 2.2, 3.1, 0.9, 1.7, 2.8, 0.3, 1.1, 4, 2.5, 1.9, 0.8, 3.3, 1.4, 2.1];

const meanOf =
  (values: readonly number[]) =>
  (samples: Uint32Array): number =>
    samples.reduce((sum, i) => sum + values[i]!, 0) / samples.length;

describe('the bootstrap interval', () => {
  // scipy.stats.bootstrap 1.17 with 200 000 resamples; of the mean, and of the mean of e^x, which is skewed.
  const skewed = SAMPLE.map((x) => Math.exp(x));
  it.each<[string, BootstrapMethod, readonly number[], number, number, number]>([
    ['the mean', 'percentile', SAMPLE, 1.35625, 2.38125, 0.03],
    ['the mean', 'bca', SAMPLE, 1.375, 2.4, 0.03],
    ['a skewed mean', 'percentile', skewed, 5.662694696246495, 18.644977926197257, 0.4],
    ['a skewed mean', 'bca', skewed, 6.559811895549983, 21.571235606152, 0.4],
  ])('of %s by %s is that of SciPy', (_, method, values, low, high, tolerance) => {
    const came = bootstrap(values.length, meanOf(values), { method, seed: [1], resamples: 20_000 })!;
    expect(came.value).toBeCloseTo(meanOf(values)(Uint32Array.from(values, (_x, i) => i)), 12);
    expect(Math.abs(came.low - low)).toBeLessThan(tolerance);
    expect(Math.abs(came.high - high)).toBeLessThan(tolerance);
  });

  it('is the same for the same seed and another for another', () => {
    const of = (seed: number) => bootstrap(16, meanOf(SAMPLE), { method: 'bca', seed: [seed], resamples: 200 });
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
  });

  it.each<BootstrapMethod>(['percentile', 'bca'])('holds its value, by %s', (method) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 12 }), (values) => {
        const { value, low, high } = bootstrap(values.length, meanOf(values), { method, seed: [1], resamples: 50 })!;
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
      }),
    );
  });

  it('of what never changes has no width', () => {
    const options = { method: 'bca', seed: [1], resamples: 100 } as const;
    expect(bootstrap(5, () => 0.25, options)).toEqual({ value: 0.25, low: 0.25, high: 0.25 });
  });

  it('of what is undefined, or of nothing, is none', () => {
    const options = { method: 'percentile', seed: [1] } as const;
    expect(bootstrap(3, () => null, options)).toBeNull();
    expect(bootstrap(0, () => 1, options)).toBeNull();
  });

  it('leaves out resamples for which the statistic is undefined', () => {
    const both = (samples: Uint32Array): number | null => (new Set(samples).size === 1 ? null : 1);
    const options = { method: 'percentile', seed: [1], resamples: 40 } as const;
    expect(bootstrap(2, both, options)).toEqual({ value: 1, low: 1, high: 1 });
  });
});

describe('the metrics with bootstrap intervals', () => {
  const labels = Uint8Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 1 : 0));
  const probabilities = Float32Array.from(labels, (label, i) => (label + ((i * 37) % 50) / 25) / 3);
  const came = bootstrapMetrics(labels, probabilities, { method: 'bca', seed: [1], resamples: 300 });

  it('have the values of the others, and intervals of about their width', () => {
    const analytical = measure(labels, probabilities);
    for (const name of ['loss', 'auc', 'accuracy', 'sensitivity', 'specificity', 'brier'] as const) {
      expect(came[name]!.value).toBe(analytical[name]!.value);
      const [width, expected] = [came[name]!, analytical[name]!].map(({ low, high }) => high - low) as [number, number];
      expect(width / expected).toBeGreaterThan(0.5);
      expect(width / expected).toBeLessThan(1.5);
    }
    expect(came.examples).toBe(60);
  });

  it('are undefined where the others are', () => {
    const one = bootstrapMetrics(Uint8Array.of(1, 1), Float32Array.of(0.5, 0.75), { method: 'percentile', seed: [1] });
    expect(one.auc).toBeNull();
    expect(one.specificity).toBeNull();
    expect(one.sensitivity).toEqual({ value: 1, low: 1, high: 1 });
  });
});
