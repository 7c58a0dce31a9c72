import { tensorOf, weightsOf, type TensorSpec, type Weights } from '@consilium/weights';
import type { Graph, Layer } from './graph.js';
import { resolveInputs } from './inputs.js';
import { written } from './misfit.js';
import { layerTensorsOf } from './parameters.js';
import { inferShapes, sizeOf } from './shapes.js';
import type { LayerTensor } from './tensors.js';
import { torchValues } from './torch-layout.js';

/** A tensor that keeps its first values, and why. */
export interface Untransferred {
  readonly name: string;
  readonly expected: string;
  /** The shape that came under this name; `nothing` where the name did not come. */
  readonly came: string;
}

export interface Transfer {
  /** A new model's weights, where what came stands and the rest is as it was. */
  readonly weights: Weights;
  readonly copied: readonly string[];
  readonly untransferred: readonly Untransferred[];
  /** Names that came and went nowhere. */
  readonly unused: readonly string[];
}

/**
 * Transfer learning: weights of another model, such as a published backbone, by name. A tensor is taken where name and
 * shape fit, under our own name (`conv1/kernel`) or under PyTorch's (`conv1.weight`, with dots for our underscores), whose
 * axes are then put in our order. What does not fit is named, never cut or stretched: a last layer for other classes
 * keeps its first values.
 *
 * @param weights the model's first values, left as they are
 * @param source what a safetensors file holds
 */
export function transfer(graph: Graph, weights: Weights, source: Weights): Transfer {
  const values = weights.values.slice();
  const result = weightsOf(weights.manifest, values);
  const known = new Map(source.manifest.tensors.map((tensor) => [ourName(tensor.name), tensor]));
  const used = new Set<string>();
  const copied: string[] = [];
  const untransferred: Untransferred[] = [];
  const flattened = layersOfFlattened(graph);
  const tensors = layerTensorsOf(graph);
  for (const layer of graph.layers) {
    for (const tensor of tensors.get(layer.name)!) {
      const { name, shape } = tensor;
      const found = foundFor(tensor, layer, known);
      const from = found && valuesFor(layer, tensor, found, source, flattened);
      if (found) used.add(found.name);
      if (from) {
        tensorOf(result, name).set(from);
        copied.push(name);
      } else {
        untransferred.push({ name, expected: written(shape), came: found ? written(found.shape) : 'nothing' });
      }
    }
  }
  const unused = source.manifest.tensors.map(({ name }) => name).filter((name) => !used.has(name));
  return { weights: result, copied, untransferred, unused };
}

/** Dots separate modules in PyTorch; our layers' names have none. A name of ours stays as it is. */
const ourName = (name: string): string => (name.includes('/') ? name : name.replaceAll('.', '_'));

/** What PyTorch calls our parts. */
const TORCH_PARTS: Readonly<Record<string, string>> = {
  kernel: 'weight',
  gamma: 'weight',
  bias: 'bias',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

function foundFor({ name }: LayerTensor, layer: Layer, known: ReadonlyMap<string, TensorSpec>): TensorSpec | undefined {
  const part = TORCH_PARTS[name.slice(layer.name.length + 1)];
  return known.get(name) ?? (part === undefined ? undefined : known.get(`${layer.name}_${part}`));
}

function valuesFor(
  layer: Layer,
  { shape }: LayerTensor,
  found: TensorSpec,
  source: Weights,
  flattened: ReadonlySet<string>,
): Float32Array | undefined {
  const values = source.values.subarray(found.offset, found.offset + found.size);
  if (found.name.includes('/')) return written(found.shape) === written(shape) ? values : undefined;
  // PyTorch flattens channels first, so the rows of such a kernel stand in another order.
  if (flattened.has(layer.name) && shape.length === 2) return undefined;
  return torchValues(layer, shape, found.shape, values);
}

/** Dense layers that are fed by an image made flat. */
function layersOfFlattened(graph: Graph): ReadonlySet<string> {
  const inputs = resolveInputs(graph);
  const shapes = inferShapes(graph);
  const types = new Map(graph.layers.map(({ name, type }) => [name, type]));
  const images = graph.layers.filter(({ name, type }) => {
    if (type !== 'flatten') return false;
    const image = shapes.get(inputs.get(name)![0]!)!;
    return sizeOf(image.slice(0, -1)) > 1 && image.at(-1)! > 1;
  });
  const flat = new Set(images.map(({ name }) => name));
  const dense = new Set<string>();
  for (const { name } of graph.layers) {
    if (!inputs.get(name)!.some((source) => flat.has(source))) continue;
    // ReLU, dropout and the like keep the order.
    if (types.get(name) === 'dense') dense.add(name);
    else flat.add(name);
  }
  return dense;
}
