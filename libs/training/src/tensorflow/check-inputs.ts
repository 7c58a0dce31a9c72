import { inferShapes, manifestOf, type Graph } from '@consilium/model';
import { Fault, invariant } from '@consilium/stdx';
import { sameManifest, type Manifest, type Weights } from '@consilium/weights';

/**
 * The graph's manifest and input shape, once weights and images are seen to fit them.
 *
 * @throws Fault GRAPH_INVALID, WEIGHTS_MISMATCH
 */
export function checkInputs(
  graph: Graph,
  weights: Weights,
  images: Float32Array,
  count: number,
): { manifest: Manifest; inputShape: readonly number[] } {
  const shapes = inferShapes(graph);
  const manifest = manifestOf(graph);
  const inputShape = shapes.get(graph.layers[0]!.name)!;
  const output = shapes.get(graph.layers.at(-1)!.name)!;
  const { name } = graph.layers.at(-1)!;
  if (output.length !== 1 || output[0] !== 1) {
    throw new Fault('GRAPH_INVALID', { layer: name, expected: '[1], one logit', came: `[${output.join(', ')}]` });
  }
  if (!sameManifest(weights.manifest, manifest)) {
    throw new Fault('WEIGHTS_MISMATCH', {
      expectedTensors: manifest.tensors.length,
      cameTensors: weights.manifest.tensors.length,
    });
  }
  const size = inputShape.reduce((product, length) => product * length, 1);
  invariant(images.length === count * size, 'images fill the shape of the model’s input');
  return { manifest, inputShape };
}
