import type { Graph } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';

/** Where dropout's masks are drawn from: a stream that begins anew for each step and part of a batch. */
export interface DropoutStream {
  /** In [0, 1). */
  uniform(): number;
  restart(step: number, firstSample: number): void;
}

/** Named by its step, so that a job that goes on from step 100 draws the masks that it would have drawn without a break. */
export function dropoutStream(seed: readonly (string | number)[]): DropoutStream {
  let random = seededRandom('consilium/dropout', ...seed);
  return {
    uniform: () => random.uniform(),
    restart: (step, firstSample) => (random = seededRandom('consilium/dropout', ...seed, step, firstSample)),
  };
}

/** The same graph with dropout that drops nothing; names, order and manifest stay. */
export const withoutDropout = (graph: Graph): Graph => ({
  layers: graph.layers.map((layer) => (layer.type === 'dropout' ? { ...layer, rate: 0 } : layer)),
});
