import { unreachable } from '@consilium/stdx';
import type { Graph, Layer } from './graph.js';
import { resolveInputs } from './inputs.js';
import { misfit, written } from './misfit.js';
import { slide, type Padding } from './window.js';

/** The shape of one sample, without the batch axis; channels last. */
export type Shape = readonly number[];

/** Most values that a layer may put out for one sample: 1 GiB of float32. Beyond it a plan is a mistake or an attack. */
export const VALUES_MAX = 2 ** 28;

/**
 * The per-sample output shape of each layer, by name, in the order of the layers. Holds what {@link resolveInputs}
 * guarantees, and that each layer can compute what it is fed. Throws GRAPH_INVALID with the layer, what it needs and
 * the shape that came.
 */
export function inferShapes(graph: Graph): ReadonlyMap<string, Shape> {
  const inputs = resolveInputs(graph);
  const shapes = new Map<string, Shape>();
  for (const layer of graph.layers) {
    const fed = inputs.get(layer.name)!.map((name) => shapes.get(name)!);
    const shape = outputShape(layer, fed);
    if (shape.reduce((product, dimension) => product * dimension, 1) > VALUES_MAX) {
      throw misfit(layer.name, `at most ${VALUES_MAX} values of output`, written(shape));
    }
    shapes.set(layer.name, shape);
  }
  return shapes;
}

function outputShape(layer: Layer, fed: readonly Shape[]): Shape {
  const shape = fed[0] ?? [];
  switch (layer.type) {
    case 'input':
      return layer.shape;
    case 'conv2d':
    case 'conv3d':
      return [...slideOver(layer, layer.kernel, layer.stride, shape), layer.filters];
    case 'max-pool2d':
    case 'average-pool2d':
    case 'max-pool3d':
      return [...slideOver(layer, layer.size, layer.stride ?? layer.size, shape), shape.at(-1)!];
    case 'global-average-pool':
      if (shape.length < 3) throw misfit(layer.name, '[height, width, channels] or with depth', written(shape));
      return shape.slice(-1);
    case 'flatten':
      if (shape.length < 2) throw misfit(layer.name, 'at least two axes', written(shape));
      return [shape.reduce((product, dimension) => product * dimension, 1)];
    case 'dense':
      if (shape.length !== 1) throw misfit(layer.name, '[features], by flatten or global-average-pool', written(shape));
      return [layer.units];
    case 'add':
      return addedShape(layer.name, fed);
    case 'concat':
      return concatenatedShape(layer.name, fed);
    case 'batch-norm':
    case 'dropout':
    case 'activation':
      return shape;
    default:
      return unreachable(layer);
  }
}

/** The spatial axes after a window of `size` has slid over them, one axis each; the last axis of `shape` is the channels. */
function slideOver(layer: Layer & { padding: Padding }, size: Shape, stride: Shape, shape: Shape): Shape {
  if (shape.length !== size.length + 1) {
    const axes = size.length === 2 ? '[height, width, channels]' : '[depth, height, width, channels]';
    throw misfit(layer.name, axes, written(shape));
  }
  return size.map((extent, axis) => {
    const positions = slide(shape[axis]!, extent, stride[axis]!, layer.padding);
    if (positions < 1) throw misfit(layer.name, `at least the window ${written(size)}`, written(shape));
    return positions;
  });
}

/** All shapes are equal; nothing is broadcast, since that hides mistakes. */
function addedShape(layer: string, fed: readonly Shape[]): Shape {
  const [first, ...others] = fed as [Shape, ...Shape[]];
  for (const other of others)
    if (written(other) !== written(first)) throw misfit(layer, written(first), written(other));
  return first;
}

/** Joined along the last axis; the others are equal. */
function concatenatedShape(layer: string, fed: readonly Shape[]): Shape {
  const [first, ...others] = fed as [Shape, ...Shape[]];
  const around = first.slice(0, -1);
  for (const other of others) {
    if (written(other.slice(0, -1)) !== written(around)) {
      throw misfit(layer, `${written(first)} but for the last axis`, written(other));
    }
  }
  return [...around, fed.reduce((sum, shape) => sum + shape.at(-1)!, 0)];
}
