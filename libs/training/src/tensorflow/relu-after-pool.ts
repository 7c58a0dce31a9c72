import type { Graph, Layer } from '@consilium/model';

/**
 * The same function computed more cheaply: a ReLU that feeds nothing but a max-pool changes places with it. Both are
 * monotone, so max(relu(a), relu(b)) = relu(max(a, b)), and gradients go the same ways; after the pool, though, ReLU
 * has a quarter of the values. Layers with weights keep their names and order, hence the manifest is the same.
 */
export function reluAfterPool(graph: Graph): Graph {
  const layers = [...graph.layers];
  for (let i = 1; i + 1 < layers.length; i++) {
    const [before, relu, pool] = [layers[i - 1]!, layers[i]!, layers[i + 1]!];
    if (!isRelu(relu) || !isMaxPool(pool) || !feedsOnly(relu, pool, layers)) continue;
    layers[i] = { ...pool, from: relu.from ?? before.name };
    layers[i + 1] = { ...relu, from: pool.name };
    for (let later = i + 2; later < layers.length; later++)
      layers[later] = renamed(layers[later]!, pool.name, relu.name);
    i++;
  }
  return { layers };
}

type Relu = Layer & { type: 'activation' };
type MaxPool = Layer & { type: 'max-pool2d' | 'max-pool3d' };

const isRelu = (layer: Layer): layer is Relu => layer.type === 'activation' && layer.function === 'relu';
const isMaxPool = (layer: Layer): layer is MaxPool => layer.type === 'max-pool2d' || layer.type === 'max-pool3d';

const sourcesOf = (layer: Layer): readonly string[] =>
  layer.type === 'input' || layer.from === undefined ? [] : [layer.from].flat();

/** The pool comes right after the ReLU in the list, so a missing `from` means that it is fed by it. */
function feedsOnly(relu: Relu, pool: MaxPool, layers: readonly Layer[]): boolean {
  const fed = pool.from === undefined || pool.from === relu.name;
  return fed && layers.every((layer) => layer === pool || !sourcesOf(layer).includes(relu.name));
}

/** The layer, fed by the layer `to` where it was fed by `from`. */
function renamed(layer: Layer, from: string, to: string): Layer {
  if (layer.type === 'input' || layer.from === undefined) return layer;
  const renamedSource = (source: string): string => (source === from ? to : source);
  if (joins(layer)) return { ...layer, from: layer.from.map(renamedSource) };
  return { ...layer, from: renamedSource(layer.from) };
}

type Joining = Layer & { type: 'add' | 'multiply' | 'concat' };

const joins = (layer: Layer): layer is Joining => layer.type !== 'input' && Array.isArray(layer.from);
