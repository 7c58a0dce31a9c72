import { Fault } from '@consilium/stdx';
import type { Metric } from '@consilium/wire';
import { METRIC_NAMES, NO_METRICS, type Estimate, type Metrics } from '../metrics.js';

/** `METRIC_NAME_AUC` → `auc`. A name that this release does not know is left out, as the protocol says of features. */
const NAMES = new Map<string, keyof Metrics>(METRIC_NAMES.map((name) => [`METRIC_NAME_${name.toUpperCase()}`, name]));

/** The metrics of a message; MESSAGE_MALFORMED for a value that is not finite, or for a metric that comes twice. */
export function readMetrics(metrics: readonly Metric[]): Metrics {
  const read: Record<string, Estimate | null> = { ...NO_METRICS };
  const seen = new Set<string>();
  for (const metric of metrics) {
    const name = NAMES.get(metric.name);
    if (!name) continue;
    if (seen.has(name)) throw new Fault('MESSAGE_MALFORMED', { field: `metrics.${name}` });
    seen.add(name);
    read[name] = estimateOf(metric, name);
  }
  return read as Metrics;
}

/** Without `value` the metric is undefined at this site. Without bounds the interval is the value itself. */
function estimateOf({ value, low, high, _value, _low, _high }: Metric, name: string): Estimate | null {
  if (_value === undefined || value === undefined) return null;
  const estimate = {
    value,
    low: _low === undefined ? value : (low ?? value),
    high: _high === undefined ? value : (high ?? value),
  };
  if (!Object.values(estimate).every(Number.isFinite))
    throw new Fault('MESSAGE_MALFORMED', { field: `metrics.${name}` });
  return estimate;
}
