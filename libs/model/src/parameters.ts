import { unreachable } from '@consilium/stdx';
import { layoutManifest, sizeOfShape, type Manifest } from '@consilium/weights';
import type { Graph, Layer } from './graph.js';
import { resolveInputs } from './inputs.js';
import { misfit } from './misfit.js';
import { inferShapes, type Shape } from './shapes.js';

/** One tensor of a layer: how it begins and whether training moves it. Moving statistics are only measured. */
export interface LayerTensor {
  readonly layer: string;
  /** `${layer}/kernel` and so on; unique in the graph, since layer names have no slash. */
  readonly name: string;
  readonly shape: Shape;
  readonly initial: 'he-normal' | 'zeros' | 'ones';
  readonly trainable: boolean;
}

/** Most parameters of a model: 1 GiB of float32. */
export const PARAMETERS_MAX = 2 ** 28;

/**
 * All tensors of the model in their fixed order: that of the layers, and within a layer kernel, bias or gamma, beta,
 * moving_mean, moving_variance. Kernels have TensorFlow's layout: [height, width, in, out], [depth, height, width, in,
 * out], [in, out]. Throws GRAPH_INVALID as {@link inferShapes} does, and for more than {@link PARAMETERS_MAX} values.
 */
export function tensorsOf(graph: Graph): readonly LayerTensor[] {
  const inputs = resolveInputs(graph);
  const shapes = inferShapes(graph);
  let parameters = 0;
  return graph.layers.flatMap((layer) => {
    const tensors = layerTensors(layer, shapes.get(inputs.get(layer.name)![0] ?? '') ?? []);
    for (const { shape } of tensors) parameters += sizeOfShape(shape) ?? Infinity;
    if (parameters > PARAMETERS_MAX)
      throw misfit(layer.name, `at most ${PARAMETERS_MAX} parameters`, String(parameters));
    return tensors;
  });
}

/** The model's weights manifest: {@link tensorsOf} laid out back to back. The same graph gives the same manifest everywhere. */
export const manifestOf = (graph: Graph): Manifest => layoutManifest(tensorsOf(graph));

/** The names of the tensors that an optimiser moves: all but batch norm's moving mean and variance. */
export const trainableTensors = (graph: Graph): ReadonlySet<string> =>
  new Set(
    tensorsOf(graph)
      .filter(({ trainable }) => trainable)
      .map(({ name }) => name),
  );

function layerTensors(layer: Layer, fed: Shape): readonly LayerTensor[] {
  const channels = fed.at(-1)!;
  const tensor = (part: string, shape: Shape, initial: LayerTensor['initial'], trainable = true): LayerTensor => ({
    layer: layer.name,
    name: `${layer.name}/${part}`,
    shape,
    initial,
    trainable,
  });
  const kernelAndBias = (kernel: Shape, bias: boolean): readonly LayerTensor[] => [
    tensor('kernel', kernel, 'he-normal'),
    ...(bias ? [tensor('bias', kernel.slice(-1), 'zeros')] : []),
  ];
  switch (layer.type) {
    case 'conv2d':
    case 'conv3d':
      return kernelAndBias([...layer.kernel, channels, layer.filters], layer.bias);
    case 'dense':
      return kernelAndBias([channels, layer.units], layer.bias);
    case 'batch-norm':
      return [
        tensor('gamma', [channels], 'ones'),
        tensor('beta', [channels], 'zeros'),
        tensor('moving_mean', [channels], 'zeros', false),
        tensor('moving_variance', [channels], 'ones', false),
      ];
    case 'input':
    case 'max-pool2d':
    case 'average-pool2d':
    case 'max-pool3d':
    case 'global-average-pool':
    case 'flatten':
    case 'dropout':
    case 'activation':
    case 'add':
    case 'concat':
      return [];
    default:
      return unreachable(layer);
  }
}
