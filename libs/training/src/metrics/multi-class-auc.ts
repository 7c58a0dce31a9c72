import { auc } from './auc.js';
import type { BootstrapOptions } from './bootstrap.js';
import { bootstrap } from './bootstrap.js';
import type { Estimate } from './estimate.js';

/**
 * The mean over the classes of the AUC of each against all others (macro one-versus-rest), with a bootstrap interval:
 * the classes' areas share their samples, so their own intervals cannot be combined.
 *
 * @param labels `[n]`, class numbers from 0
 * @param scores `[n, classes]`, row-major; only their order within a class's column matters
 * @returns null where a class has no sample, since its area is undefined then
 */
export function multiClassAuc(
  labels: Uint8Array,
  scores: Float32Array,
  classes: number,
  options: BootstrapOptions,
): Estimate | null {
  const columns = Array.from({ length: classes }, (_, column) =>
    Float32Array.from(labels, (_label, row) => scores[row * classes + column]!),
  );
  const macro = (samples: Uint32Array): number | null => {
    let sum = 0;
    for (const [column, values] of columns.entries()) {
      const of = auc(
        Uint8Array.from(samples, (i) => (labels[i] === column ? 1 : 0)),
        Float32Array.from(samples, (i) => values[i]!),
      );
      if (of === null) return null;
      sum += of.value;
    }
    return sum / classes;
  };
  return bootstrap(labels.length, macro, options);
}
