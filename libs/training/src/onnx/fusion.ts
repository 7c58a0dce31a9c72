import { resolveInputs, type Graph, type Layer } from '@consilium/model';
import type { LayerOf } from './geometry.js';

/** Layers that are computed in one pass: a convolution or batch norm, an addition to the norm, a ReLU. */
export interface Fused {
  readonly first: LayerOf<'conv2d' | 'conv3d' | 'depthwise-conv2d' | 'batch-norm'>;
  /** The layer that is added to the norm. */
  readonly residual?: string | undefined;
  readonly relu: boolean;
}

/**
 * What is computed together, by the name of the last layer of each; `within` holds the others, which have no value of
 * their own. Only layers that feed nothing else are taken along, so nobody misses their values.
 */
export interface Fusion {
  readonly ending: ReadonlyMap<string, Fused>;
  readonly within: ReadonlySet<string>;
}

export function fusionOf(graph: Graph): Fusion {
  const sources = resolveInputs(graph);
  const fed = new Map<string, Layer[]>();
  for (const layer of graph.layers) {
    for (const source of sources.get(layer.name)!) fed.set(source, [...(fed.get(source) ?? []), layer]);
  }
  const only = ({ name }: Layer): Layer | undefined => {
    const followers = fed.get(name) ?? [];
    return followers.length === 1 ? followers[0] : undefined;
  };

  const ending = new Map<string, Fused>();
  const within = new Set<string>();
  for (const first of graph.layers) {
    if (!canBeFirst(first)) continue;
    const chain: Layer[] = [first];
    const added = only(first);
    let residual: string | undefined;
    if (first.type === 'batch-norm' && added?.type === 'add' && added.from.length === 2) {
      residual = added.from.find((name) => name !== first.name);
      // Where two norms are added, the first has taken the addition.
      if (within.has(added.name) || ending.has(added.name)) residual = undefined;
      if (residual !== undefined) chain.push(added);
    }
    const last = only(chain.at(-1)!);
    const relu = last?.type === 'activation' && last.function === 'relu';
    if (relu) chain.push(last);
    if (chain.length === 1) continue;
    ending.set(chain.at(-1)!.name, { first, residual, relu });
    for (const layer of chain.slice(0, -1)) within.add(layer.name);
  }
  return { ending, within };
}

const canBeFirst = (layer: Layer): layer is Fused['first'] =>
  layer.type === 'conv2d' ||
  layer.type === 'conv3d' ||
  layer.type === 'depthwise-conv2d' ||
  layer.type === 'batch-norm';
