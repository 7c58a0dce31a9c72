import { inferShapes, sizeOf, type Graph } from '@consilium/model';
import { dropoutStream } from '../fitting/dropout.js';

/** A layer's mask, `[batch, …shape]`, 1 where a value is kept. */
export type DropoutMask = readonly [layer: string, mask: Uint8Array];

/**
 * Draws the masks of whole batches: those that the engines of TensorFlow.js draw, layer by layer in graph order.
 *
 * @param seed of the job
 */
export function dropoutMasks(
  graph: Graph,
  batchSize: number,
  seed: readonly (string | number)[],
): (step: number) => readonly DropoutMask[] {
  const shapes = inferShapes(graph);
  const stream = dropoutStream(seed);
  return (step) => {
    stream.restart(step, 0);
    return graph.layers.flatMap((layer): readonly DropoutMask[] => {
      if (layer.type !== 'dropout' || layer.rate === 0) return [];
      const length = batchSize * sizeOf(shapes.get(layer.name)!);
      return [[layer.name, Uint8Array.from({ length }, () => (stream.uniform() < layer.rate ? 0 : 1))]];
    });
  };
}
