import { inferShapes, layerTensorsOf, resolveInputs, type Graph, type Layer } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { input, model } from './tfjs.js';
import type { layers } from '@tensorflow/tfjs-layers';
import { BatchNorm } from './batch-norm.js';
import { computeOf } from './compute.js';
import { SeededDropout, type DropoutSource } from './dropout.js';
import { GraphLayer } from './graph-layer.js';
import { reluAfterPool } from './relu-after-pool.js';

/**
 * A graph as a model of TensorFlow.js, with our layer names and all weights zero: whoever compiles sets them. Own names
 * matter, since automatic ones count up for each model of a process. A model of several inputs is applied to an array,
 * in the order of the graph.
 *
 * @param dropout where masks are drawn from in training
 * @throws Fault GRAPH_INVALID
 */
export function compile(graph: Graph, dropout: DropoutSource = seededRandom('consilium/dropout')): LayersModel {
  const cheaper = reluAfterPool(graph);
  const shapes = inferShapes(cheaper);
  const sources = resolveInputs(cheaper);
  const tensors = layerTensorsOf(cheaper);
  const outputs = new Map<string, SymbolicTensor>();
  const inputs: SymbolicTensor[] = [];
  for (const layer of cheaper.layers) {
    const { name } = layer;
    if (layer.type === 'input') {
      const given = input({ shape: [...layer.shape], name });
      inputs.push(given);
      outputs.set(name, given);
      continue;
    }
    const fed = sources.get(name)!.map((source) => outputs.get(source)!);
    const compiled = compiledLayer(layer, shapes.get(name)!, tensors.get(name)!, dropout);
    outputs.set(name, compiled.apply(fed.length === 1 ? fed[0]! : fed) as SymbolicTensor);
  }
  return model({ inputs, outputs: outputs.get(cheaper.layers.at(-1)!.name)! });
}

/** What draws, or moves statistics, is a layer of its own; all else is a function of its inputs and tensors. */
function compiledLayer(
  layer: Exclude<Layer, { type: 'input' }>,
  outputShape: readonly number[],
  tensors: ConstructorParameters<typeof GraphLayer>[2],
  dropout: DropoutSource,
): layers.Layer {
  if (layer.type === 'batch-norm') return new BatchNorm(layer);
  if (layer.type === 'dropout') return new SeededDropout(layer.name, layer.rate, dropout);
  return new GraphLayer(layer.name, outputShape, tensors, computeOf(layer, outputShape));
}
