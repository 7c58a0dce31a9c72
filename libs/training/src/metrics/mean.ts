import { Z_95, type Estimate } from './estimate.js';

/**
 * The mean of independent values with its normal interval, mean ± 1.96 · s / √n with the unbiased s², cut to `[low, high]`.
 *
 * | values | result |
 * |---|---|
 * | none | null |
 * | one | the value; no width is known, so the interval has none |
 */
export function meanOf(values: Float64Array, low: number, high: number): Estimate | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = n === 1 ? 0 : Z_95 * Math.sqrt(squares / (n - 1) / n);
  return { value: mean, low: Math.max(low, mean - half), high: Math.min(high, mean + half) };
}
