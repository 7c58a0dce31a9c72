/**
 * Most samples that a site may claim: 2²⁹ − 1. Its product with a float32 has at most 29 + 24 = 53 significant bits, so
 * it is exact in float64, and the total over any federation stays a safe integer.
 */
export const EXAMPLES_MAX = 2 ** 29 - 1;

/** Whether a site may count with this number of training samples: a whole number from 1 to {@link EXAMPLES_MAX}. */
export const isExamples = (examples: number): boolean =>
  Number.isInteger(examples) && examples >= 1 && examples <= EXAMPLES_MAX;
