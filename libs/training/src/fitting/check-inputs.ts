import { firstUnlisted, inputRow, manifestOf, outputShapeOf, sizeOf, type Graph, type Shape } from '@consilium/model';
import { Fault, invariant } from '@consilium/stdx';
import { sameManifest, type Manifest, type Weights } from '@consilium/weights';

/** What a graph takes and gives, for one sample. */
export interface GraphInterface {
  readonly manifest: Manifest;
  /** In graph order; the values of a row stand in the same order. */
  readonly inputShapes: readonly Shape[];
  readonly outputShape: Shape;
  /** Values of a row: the sizes of all inputs together. */
  readonly row: number;
  /** Values of an output. */
  readonly outputs: number;
}

/**
 * The graph's interface, once weights and samples are seen to fit it.
 *
 * @throws Fault GRAPH_INVALID, also for a number that an embedding does not list; WEIGHTS_MISMATCH
 */
export function checkInputs(graph: Graph, weights: Weights, images: Float32Array, count: number): GraphInterface {
  const manifest = manifestOf(graph);
  const outputShape = outputShapeOf(graph);
  if (!sameManifest(weights.manifest, manifest)) {
    throw new Fault('WEIGHTS_MISMATCH', {
      expectedTensors: manifest.tensors.length,
      cameTensors: weights.manifest.tensors.length,
    });
  }
  const { size: row, parts } = inputRow(graph);
  invariant(images.length === count * row, 'images fill the shape of the model’s input');
  const unlisted = firstUnlisted(graph, images, count);
  if (unlisted) {
    const { layer, vocabulary, sample } = unlisted;
    throw new Fault('GRAPH_INVALID', { layer, expected: `whole numbers below ${vocabulary}`, came: 'others', sample });
  }
  return { manifest, inputShapes: parts.map(({ shape }) => shape), outputShape, row, outputs: sizeOf(outputShape) };
}
