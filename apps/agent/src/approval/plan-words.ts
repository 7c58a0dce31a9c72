import { inferShapes, resolveInputs, type Graph, type Layer, type LayerType } from '@consilium/model';
import type { Governance } from '@consilium/round';

/** What plans say in codes, as people at a hospital say it. */

export const LEGAL_BASIS: Readonly<Record<Governance['legalBasis'], string>> = {
  'gdpr-6-1-a-9-2-a': 'consent of the patients (GDPR 6(1)(a) with 9(2)(a))',
  'gdpr-6-1-e-9-2-j': 'public interest, scientific research (GDPR 6(1)(e) with 9(2)(j))',
  'gdpr-6-1-f-9-2-j': 'legitimate interests, scientific research (GDPR 6(1)(f) with 9(2)(j))',
  'hipaa-45-164-512-i': 'waiver by a review board (HIPAA, 45 CFR 164.512(i))',
  'hipaa-45-164-508': 'authorisation by the patients (HIPAA, 45 CFR 164.508)',
  'national-law': 'national law; the ethics approval says which',
};

export const MODALITY: Readonly<Record<Governance['dataContract']['modality'], string>> = {
  CT: 'computed tomography',
  MG: 'mammography',
  US: 'ultrasound',
  MR: 'magnetic resonance',
  XR: 'radiography',
  PT: 'positron emission tomography',
  OT: 'other images',
};

const LAYER: Readonly<Record<LayerType, string>> = {
  input: 'input',
  conv2d: 'convolution',
  conv3d: 'convolution in space',
  'depthwise-conv2d': 'convolution of each channel',
  'transposed-conv2d': 'enlarging convolution',
  'transposed-conv3d': 'enlarging convolution in space',
  dense: 'dense layer',
  embedding: 'table of codes',
  attention: 'attention',
  'batch-norm': 'normalisation',
  'group-norm': 'normalisation',
  'layer-norm': 'normalisation',
  'max-pool2d': 'pooling',
  'average-pool2d': 'pooling',
  'max-pool3d': 'pooling',
  'average-pool3d': 'pooling',
  'global-average-pool': 'pooling over the image',
  'global-max-pool': 'pooling over the image',
  upsample2d: 'enlargement',
  upsample3d: 'enlargement',
  flatten: 'flattening',
  reshape: 'rearrangement',
  dropout: 'dropout',
  activation: 'activation',
  add: 'sum',
  multiply: 'product',
  concat: 'concatenation',
};

/** `2 × convolution, 1 × dense layer`: the kinds of layers, in the order in which they first come. */
export function layersInWords({ layers }: Graph): string {
  const counts = new Map<string, number>();
  for (const { type } of layers) if (type !== 'input') counts.set(LAYER[type], (counts.get(LAYER[type]) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} × ${kind}`).join(', ');
}

/** More units than this that each see all pixels can hold an image each. */
const UNITS_MAX = 64;

/**
 * Whether many units read the pixels themselves, without a convolution or a pooling between them: from the update of
 * such a layer images can be read off almost as they are (Fowl et al. 2022, “Robbing the Fed”). A dense layer is the
 * plain case; attention over a rearranged image, and a convolution whose window is the whole of what it is fed, are the
 * same thing under other names.
 */
export function readsPixels(graph: Graph): boolean {
  const inputs = resolveInputs(graph);
  const shapes = inferShapes(graph);
  const raw = new Set<string>();
  for (const layer of graph.layers) {
    const feeding = inputs.get(layer.name) ?? [];
    const readsRaw = feeding.some((source) => raw.has(source));
    if (readsRaw && unitsThatSeeAll(layer, shapes.get(layer.name)!) > UNITS_MAX) return true;
    if (layer.type === 'input' || (!MIXING.has(layer.type) && readsRaw)) raw.add(layer.name);
  }
  return false;
}

/** Layers behind which a value is no longer a pixel. */
const MIXING: ReadonlySet<LayerType> = new Set<LayerType>([
  'conv2d',
  'conv3d',
  'depthwise-conv2d',
  'transposed-conv2d',
  'transposed-conv3d',
  'dense',
  'embedding',
  'attention',
  'max-pool2d',
  'average-pool2d',
  'max-pool3d',
  'average-pool3d',
  'global-average-pool',
  'global-max-pool',
]);

/** How many units of a layer each see everything at a place that it is fed; `output` is the shape of one sample. */
function unitsThatSeeAll(layer: Layer, output: readonly number[]): number {
  switch (layer.type) {
    case 'dense':
      return layer.units;
    case 'attention':
      return output.at(-1)!;
    case 'conv2d':
    case 'conv3d':
      // One position, so the window sees the whole image.
      return output.slice(0, -1).every((length) => length === 1) ? layer.filters : 0;
    default:
      return 0;
  }
}
