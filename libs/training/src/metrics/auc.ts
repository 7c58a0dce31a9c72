import { Z_95, type Estimate } from './estimate.js';

/**
 * The area under the ROC curve: the probability that a positive scores higher than a negative, ties counting half
 * (Mann & Whitney 1947), with the interval of DeLong, DeLong & Clarke-Pearson 1988, cut to [0, 1]. By mid-ranks, in
 * O(n log n) (Sun & Xu 2014).
 *
 * | samples | result |
 * |---|---|
 * | one class only, or none | null: the area is undefined |
 * | a class with one sample | its spread is unknown, so the interval is all of [0, 1] |
 * | classes that do not overlap | 0 or 1 with an interval of no width, as the method gives |
 */
export function auc(labels: Uint8Array, scores: Float32Array): Estimate | null {
  const positives = scores.filter((_, i) => labels[i] === 1);
  const negatives = scores.filter((_, i) => labels[i] === 0);
  const [m, n] = [positives.length, negatives.length];
  if (m === 0 || n === 0) return null;

  const pooled = midRanks(concat(positives, negatives));
  const amongPositives = midRanks(positives);
  const amongNegatives = midRanks(negatives);
  // The share of negatives below each positive, and of positives above each negative.
  const below = amongPositives.map((rank, i) => (pooled[i]! - rank) / n);
  const above = amongNegatives.map((rank, j) => 1 - (pooled[m + j]! - rank) / m);
  const value = mean(below);
  if (m === 1 || n === 1) return { value, low: 0, high: 1 };
  const half = Z_95 * Math.sqrt(variance(below) / m + variance(above) / n);
  return { value, low: Math.max(0, value - half), high: Math.min(1, value + half) };
}

/** 1-based ranks; equal values share the mean of their ranks. */
function midRanks(values: Float32Array): Float64Array {
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
  }
  return ranks;
}

function concat(a: Float32Array, b: Float32Array): Float32Array {
  const whole = new Float32Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function variance(values: Float64Array): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}
