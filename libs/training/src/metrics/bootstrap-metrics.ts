import { bootstrap, type BootstrapOptions } from './bootstrap.js';
import { measure, type Metrics } from './measure.js';

/**
 * The metrics of {@link measure} with bootstrap intervals in the place of the analytical ones, which assume more: that
 * means are nearly normal, and proportions binomial.
 */
export function bootstrapMetrics(labels: Uint8Array, probabilities: Float32Array, options: BootstrapOptions): Metrics {
  const measured = measure(labels, probabilities);
  const of = (name: Exclude<keyof Metrics, 'examples'>): Metrics[typeof name] =>
    measured[name] &&
    bootstrap(
      labels.length,
      (samples) => {
        const some = measure(
          Uint8Array.from(samples, (i) => labels[i]!),
          Float32Array.from(samples, (i) => probabilities[i]!),
        );
        return some[name]?.value ?? null;
      },
      options,
    );
  return {
    loss: of('loss'),
    auc: of('auc'),
    accuracy: of('accuracy'),
    sensitivity: of('sensitivity'),
    specificity: of('specificity'),
    brier: of('brier'),
    examples: measured.examples,
  };
}
