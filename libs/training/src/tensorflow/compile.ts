import { inferShapes, resolveInputs, type Graph, type Layer } from '@consilium/model';
import { invariant, seededRandom, unreachable, type SeededRandom } from '@consilium/stdx';
import type { layers as Layers, LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { input, layers, model } from './tfjs.js';
import { BatchNorm } from './batch-norm.js';
import { Conv2d } from './conv2d.js';
import { SeededDropout } from './dropout.js';
import { GlobalAveragePool } from './global-average-pool.js';
import { reluAfterPool } from './relu-after-pool.js';

/**
 * A graph as a model of TensorFlow.js, with our layer names and all weights zero: whoever compiles sets them. Own names
 * matter, since automatic ones count up for each model of a process.
 *
 * @param dropout where masks are drawn from in training
 * @throws Fault GRAPH_INVALID
 */
export function compile(graph: Graph, dropout: SeededRandom = seededRandom('consilium/dropout')): LayersModel {
  const cheaper = reluAfterPool(graph);
  const shapes = inferShapes(cheaper);
  const sources = resolveInputs(cheaper);
  const outputs = new Map<string, SymbolicTensor>();
  let first: SymbolicTensor | undefined;
  let last: SymbolicTensor | undefined;
  for (const layer of cheaper.layers) {
    if (layer.type === 'input') {
      last = first = input({ shape: [...layer.shape], name: layer.name });
    } else {
      const fed = sources.get(layer.name)!.map((name) => outputs.get(name)!);
      last = layerOf(layer, shapes.get(layer.name)!, dropout).apply(fed.length === 1 ? fed[0]! : fed) as SymbolicTensor;
    }
    outputs.set(layer.name, last);
  }
  invariant(first && last, 'a checked graph has an input and an output');
  return model({ inputs: first, outputs: last });
}

/** Weights begin as zeros, which costs nothing. */
const UNSET = { kernelInitializer: 'zeros', biasInitializer: 'zeros' } as const;

function layerOf(
  layer: Exclude<Layer, { type: 'input' }>,
  outputShape: readonly number[],
  dropout: SeededRandom,
): Layers.Layer {
  const { name } = layer;
  switch (layer.type) {
    case 'conv2d':
      return new Conv2d(layer, outputShape);
    case 'conv3d': {
      const { filters, kernel: kernelSize, stride: strides, padding, bias: useBias } = layer;
      return layers.conv3d({ ...UNSET, name, filters, kernelSize, strides, padding, useBias });
    }
    case 'dense':
      return layers.dense({ ...UNSET, name, units: layer.units, useBias: layer.bias });
    case 'batch-norm':
      return new BatchNorm(layer);
    case 'max-pool2d':
    case 'average-pool2d':
    case 'max-pool3d': {
      const args = { name, poolSize: layer.size, strides: layer.stride ?? layer.size, padding: layer.padding } as never;
      if (layer.type === 'max-pool3d') return layers.maxPooling3d(args);
      return layer.type === 'max-pool2d' ? layers.maxPooling2d(args) : layers.averagePooling2d(args);
    }
    case 'global-average-pool':
      return new GlobalAveragePool(name);
    case 'flatten':
      return layers.flatten({ name });
    case 'dropout':
      return new SeededDropout(name, layer.rate, dropout);
    case 'activation':
      return layers.activation({ name, activation: layer.function });
    case 'add':
      return layers.add({ name });
    case 'concat':
      return layers.concatenate({ name, axis: -1 });
    default:
      return unreachable(layer);
  }
}
