import { seededRandom } from '@consilium/stdx';
import type { Estimate } from './estimate.js';
import { normalCdf, normalQuantile } from './normal.js';

/**
 * `percentile` (Efron 1979): the 2.5 % and 97.5 % quantiles of the resampled statistic. `bca` (Efron 1987): the same at
 * levels corrected for bias and acceleration, which keeps its coverage for skewed statistics; it also needs the
 * statistic without each sample in turn.
 */
export type BootstrapMethod = 'percentile' | 'bca';

export interface BootstrapOptions {
  readonly method: BootstrapMethod;
  /** How many resamples are drawn; left away, 2000. */
  readonly resamples?: number;
  /** What they are drawn from, such as plan seed, site and round. */
  readonly seed: readonly (string | number)[];
}

/** A statistic of the samples with these indices, each as often as it stands there; null where it is undefined. */
export type Statistic = (samples: Uint32Array) => number | null;

const RESAMPLES = 2000;
const LEVELS = [0.025, 0.975] as const;

/**
 * A statistic of `count` samples with a 95 % interval by drawing as many samples with replacement, again and again.
 * Samples must be independent: give patients where a patient has several images.
 *
 * | statistic | result |
 * |---|---|
 * | undefined for the samples themselves | null |
 * | undefined for some resamples, as an AUC of one class | these are left out |
 * | the same for all resamples | an interval of no width |
 */
export function bootstrap(count: number, statistic: Statistic, options: BootstrapOptions): Estimate | null {
  const everyone = Uint32Array.from({ length: count }, (_, i) => i);
  const value = count === 0 ? null : statistic(everyone);
  if (value === null) return null;
  const random = seededRandom('consilium/bootstrap', ...options.seed);
  const resampled: number[] = [];
  for (let i = 0; i < (options.resamples ?? RESAMPLES); i++) {
    const came = statistic(everyone.map(() => random.integer(count)));
    if (came !== null) resampled.push(came);
  }
  if (resampled.length === 0) return { value, low: value, high: value };
  const sorted = Float64Array.from(resampled).sort();
  const [low, high] =
    options.method === 'percentile' ? LEVELS : correctedLevels(value, sorted, leaveOneOut(everyone, statistic));
  // For few resamples a skewed statistic may lie outside its own quantiles; an interval holds its value.
  return { value, low: Math.min(value, quantile(sorted, low)), high: Math.max(value, quantile(sorted, high)) };
}

/** Efron 1987, equation 6.8 (Efron & Tibshirani 1993, equation 14.10): z₀ from the share below the value, a from the jackknife. */
function correctedLevels(value: number, sorted: Float64Array, jackknife: readonly number[]): readonly [number, number] {
  const below = sorted.filter((x) => x < value).length + sorted.filter((x) => x === value).length / 2;
  const bias = normalQuantile(below / sorted.length);
  if (!Number.isFinite(bias)) return LEVELS;
  const mean = jackknife.reduce((sum, x) => sum + x, 0) / jackknife.length;
  const squares = jackknife.reduce((sum, x) => sum + (mean - x) ** 2, 0);
  const cubes = jackknife.reduce((sum, x) => sum + (mean - x) ** 3, 0);
  const acceleration = squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
  const corrected = (level: number): number => {
    const z = bias + normalQuantile(level);
    return normalCdf(bias + z / (1 - acceleration * z));
  };
  return [corrected(LEVELS[0]), corrected(LEVELS[1])];
}

function leaveOneOut(everyone: Uint32Array, statistic: Statistic): readonly number[] {
  if (everyone.length < 2) return [];
  return Array.from(everyone, (out) => statistic(everyone.filter((i) => i !== out))).filter((x) => x !== null);
}

/** Linear between the order statistics (Hyndman & Fan 1996, type 7, as NumPy). */
function quantile(sorted: Float64Array, level: number): number {
  const place = level * (sorted.length - 1);
  const before = Math.floor(place);
  const after = Math.min(sorted.length - 1, before + 1);
  return sorted[before]! + (place - before) * (sorted[after]! - sorted[before]!);
}
