import type { Graph, Layer } from './graph.js';
import { misfit } from './misfit.js';

/**
 * Which layers feed each, by name, in the order of the layers: those of `from`, else the layer before; none for the
 * input. Guarantees that names are unique, that the first layer and no other is the input, that layers are fed only by
 * earlier ones (so the graph has no cycle and all of it depends on the input), and that all but the last feed another.
 * Throws GRAPH_INVALID naming the layer.
 */
export function resolveInputs(graph: Graph): ReadonlyMap<string, readonly string[]> {
  const inputs = new Map<string, readonly string[]>();
  const unused = new Set<string>();
  let before: string | undefined;
  for (const layer of graph.layers) {
    const { name } = layer;
    if (inputs.has(name)) throw misfit(name, 'a name of its own', 'one that an earlier layer has');
    const feeding = feedingLayers(layer, before);
    for (const source of feeding) {
      if (!inputs.has(source)) throw misfit(name, 'from names of earlier layers', source);
      unused.delete(source);
    }
    inputs.set(name, feeding);
    unused.add(name);
    before = name;
  }
  unused.delete(before ?? '');
  for (const name of unused)
    throw misfit(name, 'a later layer that it feeds', 'none; only the last layer is the output');
  return inputs;
}

function feedingLayers(layer: Layer, before: string | undefined): readonly string[] {
  if (layer.type === 'input') {
    if (before !== undefined) throw misfit(layer.name, 'one input, as the first layer', 'an input further on');
    return [];
  }
  if (before === undefined) throw misfit(layer.name, 'an input as the first layer', layer.type);
  if (layer.from === undefined) return [before];
  return typeof layer.from === 'string' ? [layer.from] : layer.from;
}
