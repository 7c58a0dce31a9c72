import { inferShapes, resolveInputs, type Graph, type Layer, type Shape } from '@consilium/model';
import type { Manifest, TensorSpec } from '@consilium/weights';

type Pads = readonly (readonly [before: number, after: number])[];

/**
 * A graph as the program wants it: all shapes inferred, what feeds each layer, TensorFlow's padding counted out, and each
 * tensor with the order of axes in which PyTorch keeps it.
 */
export function specOf(
  graph: Graph,
  manifest: Manifest,
  trainable: ReadonlySet<string>,
  frozen: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  const shapes = inferShapes(graph);
  const sources = resolveInputs(graph);
  const types = new Map(graph.layers.map(({ name, type }) => [name, type]));
  return {
    frozen,
    layers: graph.layers.map((layer) => {
      const fed = sources.get(layer.name)!;
      return { ...geometryOf(layer, shapes.get(fed[0] ?? '') ?? []), sources: fed, shape: shapes.get(layer.name)! };
    }),
    tensors: manifest.tensors.map((tensor) => {
      const axes = axesOf(tensor, types);
      return { ...tensor, axes, inner: axes.map((axis) => tensor.shape[axis]!), trained: trainable.has(tensor.name) };
    }),
  };
}

/** The layer with its `pads`, those of a transposed convolution as the `window` of its output that is kept. */
function geometryOf(layer: Layer, fed: Shape): Layer & { pads?: Pads; window?: Pads } {
  switch (layer.type) {
    case 'conv2d':
    case 'conv3d':
    case 'depthwise-conv2d': {
      const { kernel, dilation, stride, padding } = layer;
      const reaches = kernel.map((size, axis) => (size - 1) * dilation[axis]! + 1);
      return { ...layer, pads: padsOf(fed, reaches, stride, padding) };
    }
    case 'max-pool2d':
    case 'max-pool3d':
    case 'average-pool2d':
    case 'average-pool3d': {
      const stride = layer.stride ?? layer.size;
      return { ...layer, stride, pads: padsOf(fed, layer.size, stride, layer.padding) } as Layer & { pads: Pads };
    }
    case 'transposed-conv2d':
    case 'transposed-conv3d': {
      const { kernel, stride, padding } = layer;
      const window = kernel.map((size, axis): readonly [number, number] => {
        const over = Math.max(size - stride[axis]!, 0);
        const length = fed[axis]! * stride[axis]!;
        return padding === 'same' ? [Math.floor(over / 2), length] : [0, length + over];
      });
      return { ...layer, window };
    }
    default:
      return layer;
  }
}

/** How TensorFlow pads for `same`: as little as needed, an odd row or column after the image. */
function padsOf(fed: Shape, sizes: Shape, strides: Shape, padding: 'same' | 'valid'): Pads {
  return sizes.map((size, axis) => {
    if (padding === 'valid') return [0, 0];
    const [length, stride] = [fed[axis]!, strides[axis]!];
    const total = Math.max((Math.ceil(length / stride) - 1) * stride + size - length, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
}

/** From the manifest's order of a kernel's axes to PyTorch's, which puts output channels first. */
function axesOf({ name, shape }: TensorSpec, types: ReadonlyMap<string, Layer['type']>): readonly number[] {
  const [layer, part] = name.split('/') as [string, string];
  const own = part === 'kernel' ? KERNEL_AXES[types.get(layer)!] : undefined;
  return own ?? shape.map((_, axis) => axis);
}

const KERNEL_AXES: Partial<Record<Layer['type'], readonly number[]>> = {
  conv2d: [3, 2, 0, 1],
  conv3d: [4, 3, 0, 1, 2],
  'depthwise-conv2d': [2, 3, 0, 1],
  'transposed-conv2d': [3, 2, 0, 1],
  'transposed-conv3d': [4, 3, 0, 1, 2],
};
