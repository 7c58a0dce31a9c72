import { unreachable } from '@consilium/stdx';
import type { Graph, Layer } from './graph.js';
import { resolveInputs } from './inputs.js';
import { joinedShape } from './joining.js';
import { misfit, written } from './misfit.js';
import { overWindow, spatialAxes } from './spatial.js';
import { reach, slide, spread } from './window.js';

/** The shape of one sample, without the batch axis; channels last. */
export type Shape = readonly number[];

/** Most values that a layer may put out for one sample: 1 GiB of float32. Beyond it a plan is a mistake or an attack. */
export const VALUES_MAX = 2 ** 28;

/** How many values a tensor of this shape has. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, length) => product * length, 1);

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
    if (sizeOf(shape) > VALUES_MAX) throw misfit(layer.name, `at most ${VALUES_MAX} values of output`, written(shape));
    shapes.set(layer.name, shape);
  }
  return shapes;
}

/** The shape of one sample of the last layer's output. */
export const outputShapeOf = (graph: Graph): Shape => inferShapes(graph).get(graph.layers.at(-1)!.name)!;

function outputShape(layer: Layer, fed: readonly Shape[]): Shape {
  const shape = fed[0] ?? [];
  const { name } = layer;
  switch (layer.type) {
    case 'input':
      return layer.shape;
    case 'conv2d':
    case 'conv3d':
      divides(name, layer.groups, shape, 'channels');
      divides(name, layer.groups, [layer.filters], 'filters');
      return [...convolved(layer, shape), layer.filters];
    case 'depthwise-conv2d':
      return [...convolved(layer, shape), shape.at(-1)! * layer.multiplier];
    case 'transposed-conv2d':
    case 'transposed-conv3d':
      return [
        ...overWindow(name, layer.kernel, shape, (length, axis) =>
          spread(length, layer.kernel[axis]!, layer.stride[axis]!, layer.padding),
        ),
        layer.filters,
      ];
    case 'dense':
      return [...shape.slice(0, -1), layer.units];
    case 'embedding':
      // Three axes would be an image, which augmentation may change.
      if (shape.length > 2) throw misfit(name, 'at most two axes of whole numbers', written(shape));
      return [...shape, layer.units];
    case 'attention':
      if (shape.length !== 2) throw misfit(name, '[tokens, channels]', written(shape));
      divides(name, layer.heads, shape, 'channels');
      return shape;
    case 'group-norm':
      divides(name, layer.groups, shape, 'channels');
      return shape;
    case 'max-pool2d':
    case 'average-pool2d':
    case 'max-pool3d':
    case 'average-pool3d': {
      const { size, stride = size, padding } = layer;
      const positions = overWindow(name, size, shape, (length, axis) =>
        slide(length, size[axis]!, stride[axis]!, padding),
      );
      return [...positions, shape.at(-1)!];
    }
    case 'global-average-pool':
    case 'global-max-pool':
      spatialAxes(name, shape);
      return shape.slice(-1);
    case 'upsample2d':
    case 'upsample3d':
      return [...overWindow(name, layer.size, shape, (length, axis) => length * layer.size[axis]!), shape.at(-1)!];
    case 'flatten':
      if (shape.length < 2) throw misfit(name, 'at least two axes', written(shape));
      return [sizeOf(shape)];
    case 'reshape':
      if (sizeOf(layer.shape) !== sizeOf(shape)) {
        throw misfit(name, `as many values as ${written(layer.shape)} has`, written(shape));
      }
      return layer.shape;
    case 'add':
    case 'multiply':
    case 'concat':
      return joinedShape(layer, fed);
    case 'batch-norm':
    case 'layer-norm':
    case 'dropout':
    case 'activation':
      return shape;
    default:
      return unreachable(layer);
  }
}

type Convolution = Layer & { type: 'conv2d' | 'conv3d' | 'depthwise-conv2d' };

/** TensorFlow, too, computes a convolution that both strides and is dilated for no axis. */
function convolved({ name, kernel, stride, dilation, padding }: Convolution, shape: Shape): Shape {
  if (stride.some((step) => step > 1) && dilation.some((gap) => gap > 1)) {
    throw misfit(name, 'a stride or a dilation, not both', `stride ${written(stride)}, dilation ${written(dilation)}`);
  }
  const reaches = kernel.map((size, axis) => reach(size, dilation[axis]!));
  return overWindow(name, reaches, shape, (length, axis) => slide(length, reaches[axis]!, stride[axis]!, padding));
}

/** The last axis falls into this many equal parts. */
function divides(name: string, parts: number, shape: Shape, what: string): void {
  if (shape.at(-1)! % parts !== 0) throw misfit(name, `${what} that ${parts} divides`, written(shape));
}
