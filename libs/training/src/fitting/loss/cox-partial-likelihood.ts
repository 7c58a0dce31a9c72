import { invariant } from '@consilium/stdx';
import { sampleWeight, type Loss } from './loss.js';

/**
 * The negative log partial likelihood of Cox 1972 with Breslow's ties, per event, of one log risk η for each sample:
 *
 * l = (1/E) Σ_{events i} [ log Σ_{t_j ≥ t_i} e^{η_j} − η_i ]
 *
 * The risk sets are those of the batch. ∂l/∂η_k = (1/E) · [ e^{η_k} Σ_{events i, t_i ≤ t_k} 1/S_i − event_k ], S_i being
 * the inner sum. In O(n log n): once from the latest time down for the sums, once up for the gradient.
 *
 * | batch | loss |
 * |---|---|
 * | no event | 0, and the gradient is 0: nothing can be learnt |
 * | a sample of weight 0 | belongs to no risk set, and is no event |
 */
export const coxPartialLikelihood: Loss = (logits, targets, terms) => {
  invariant(logits.length === terms.count && targets.length === 2 * terms.count, 'Cox takes one log risk a sample');
  const gradient = new Float32Array(logits.length);
  const timeOf = (i: number): number => targets[2 * i]!;
  const isEvent = (i: number): boolean => targets[2 * i + 1] === 1;
  const latestFirst = Array.from(logits, (_, i) => i)
    .filter((i) => sampleWeight(terms, i) > 0)
    .sort((a, b) => timeOf(b) - timeOf(a));
  const events = latestFirst.filter(isEvent).length;
  if (events === 0) return { loss: latestFirst.some((i) => Number.isNaN(logits[i])) ? NaN : 0, gradient };

  const largest = latestFirst.reduce((max, i) => Math.max(max, logits[i]!), -Infinity);
  // Everybody at risk at a sample's time, those of the same time included.
  const atRisk = new Float64Array(logits.length);
  let risk = 0;
  for (const tied of runs(latestFirst, timeOf)) {
    for (const i of tied) risk += Math.exp(logits[i]! - largest);
    for (const i of tied) atRisk[i] = risk;
  }
  let sum = 0;
  let hazard = 0;
  for (const tied of [...runs(latestFirst, timeOf)].reverse()) {
    for (const i of tied.filter(isEvent)) {
      sum += Math.log(atRisk[i]!) + largest - logits[i]!;
      hazard += 1 / atRisk[i]!;
    }
    for (const i of tied) {
      gradient[i] = (Math.exp(logits[i]! - largest) * hazard - (isEvent(i) ? 1 : 0)) / events;
    }
  }
  return { loss: sum / events, gradient };
};

/** Stretches of equal key. */
function* runs(order: readonly number[], keyOf: (i: number) => number): Generator<readonly number[]> {
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && keyOf(order[end]!) === keyOf(order[start]!)) end++;
    yield order.slice(start, end);
  }
}
