import { layoutManifest, type Manifest } from '@consilium/weights';
import type { Graph } from './graph.js';
import { resolveInputs } from './inputs.js';
import { misfit } from './misfit.js';
import { inferShapes, sizeOf, type Shape } from './shapes.js';
import { layerTensors, type LayerTensor } from './tensors.js';

/** Most parameters of a model: 1 GiB of float32. */
export const PARAMETERS_MAX = 2 ** 28;

/**
 * The tensors of each layer, by its name, in the order of the layers; within a layer in that of {@link layerTensors}.
 * Throws GRAPH_INVALID as {@link inferShapes} does, and for more than {@link PARAMETERS_MAX} values.
 */
export function layerTensorsOf(graph: Graph): ReadonlyMap<string, readonly LayerTensor[]> {
  const inputs = resolveInputs(graph);
  const shapes = inferShapes(graph);
  let parameters = 0;
  return new Map(
    graph.layers.map((layer) => {
      const fed: Shape = shapes.get(inputs.get(layer.name)![0] ?? '') ?? [];
      const tensors = layerTensors(layer, fed);
      for (const { shape } of tensors) parameters += sizeOf(shape);
      if (parameters > PARAMETERS_MAX)
        throw misfit(layer.name, `at most ${PARAMETERS_MAX} parameters`, String(parameters));
      return [layer.name, tensors];
    }),
  );
}

/** All tensors of the model in their fixed order, that of {@link layerTensorsOf}. */
export const tensorsOf = (graph: Graph): readonly LayerTensor[] => [...layerTensorsOf(graph).values()].flat();

/** The model's weights manifest: {@link tensorsOf} laid out back to back. The same graph gives the same manifest everywhere. */
export const manifestOf = (graph: Graph): Manifest => layoutManifest(tensorsOf(graph));

/**
 * The names of the tensors that an optimiser moves: all but batch norm's moving mean and variance, and none of the
 * layers in `frozen`. Throws GRAPH_INVALID for a frozen layer that the graph lacks, since whoever names one believes
 * that it stays as it is.
 */
export function trainableTensors(graph: Graph, frozen: readonly string[] = []): ReadonlySet<string> {
  const layers = layerTensorsOf(graph);
  for (const name of frozen) if (!layers.has(name)) throw misfit(name, 'a layer of the graph, to be frozen', 'none');
  const still = new Set(frozen);
  const moving = tensorsOf(graph).filter(({ layer, trainable }) => trainable && !still.has(layer));
  return new Set(moving.map(({ name }) => name));
}
