import type { Graph, Layer } from './graph.js';
import { misfit } from './misfit.js';

/**
 * Which layers feed each, by name, in the order of the layers: those of `from`, else the layer before; none for an
 * input. Guarantees that names are unique, that the first layer is an input, that layers are fed only by earlier ones
 * (so the graph has no cycle and all of it depends on inputs), that all but the last feed another, and that an
 * embedding is fed by an input, whose whole numbers can be checked. Throws GRAPH_INVALID naming the layer.
 */
export function resolveInputs(graph: Graph): ReadonlyMap<string, readonly string[]> {
  const sources = new Map<string, readonly string[]>();
  const unused = new Set<string>();
  const inputs = new Set<string>();
  let before: string | undefined;
  for (const layer of graph.layers) {
    const { name } = layer;
    if (sources.has(name)) throw misfit(name, 'a name of its own', 'one that an earlier layer has');
    const feeding = feedingLayers(layer, before);
    for (const source of feeding) {
      if (!sources.has(source)) throw misfit(name, 'from names of earlier layers', source);
      if (layer.type === 'embedding' && !inputs.has(source)) throw misfit(name, 'an input to read from', source);
      unused.delete(source);
    }
    if (layer.type === 'input') inputs.add(name);
    sources.set(name, feeding);
    unused.add(name);
    before = name;
  }
  unused.delete(before ?? '');
  for (const name of unused)
    throw misfit(name, 'a later layer that it feeds', 'none; only the last layer is the output');
  return sources;
}

function feedingLayers(layer: Layer, before: string | undefined): readonly string[] {
  if (layer.type === 'input') return [];
  if (before === undefined) throw misfit(layer.name, 'an input as the first layer', layer.type);
  if (layer.from === undefined) return [before];
  return typeof layer.from === 'string' ? [layer.from] : layer.from;
}
