import { z } from 'zod';

/** The metrics of a binary classifier that sites report. `loss` is the mean binary cross-entropy. */
export const METRIC_NAMES = ['loss', 'auc', 'accuracy', 'sensitivity', 'specificity', 'brier'] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/** A value with its 95 % confidence interval, all finite. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Null where a metric is undefined, for example the AUC of a test split with one class. */
export type Metrics = Readonly<Record<MetricName, Estimate | null>>;

export const estimateSchema = z
  .object({ value: z.number(), low: z.number(), high: z.number() })
  .meta({ id: 'Estimate', description: 'A value with its 95 % confidence interval.' });

export const NO_METRICS: Metrics = {
  loss: null,
  auc: null,
  accuracy: null,
  sensitivity: null,
  specificity: null,
  brier: null,
};

export const hasMetrics = (metrics: Metrics): boolean => METRIC_NAMES.some((name) => metrics[name] !== null);

/**
 * The unweighted mean of each metric over the sites where it is defined: every hospital counts the same, whatever its
 * size. The interval is that of a mean of independent estimates (half-widths added in quadrature).
 */
export function meanMetrics(all: readonly Metrics[]): Metrics {
  const means = METRIC_NAMES.map(
    (name) => [name, meanEstimate(all.flatMap((metrics) => metrics[name] ?? []))] as const,
  );
  return Object.fromEntries(means) as Metrics;
}

function meanEstimate(estimates: readonly Estimate[]): Estimate | null {
  if (!estimates.length) return null;
  const n = estimates.length;
  const sum = (of: (estimate: Estimate) => number): number =>
    estimates.reduce((total, estimate) => total + of(estimate), 0);
  const value = sum((estimate) => estimate.value) / n;
  const below = Math.sqrt(sum(({ value: x, low }) => (x - low) ** 2)) / n;
  const above = Math.sqrt(sum(({ value: x, high }) => (high - x) ** 2)) / n;
  return { value, low: value - below, high: value + above };
}
