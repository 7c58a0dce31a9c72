import { resolveInputs, type Graph, type LayerType } from '@consilium/model';
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
  dense: 'dense layer',
  'batch-norm': 'normalisation',
  'max-pool2d': 'pooling',
  'average-pool2d': 'pooling',
  'max-pool3d': 'pooling',
  'global-average-pool': 'pooling over the image',
  flatten: 'flattening',
  dropout: 'dropout',
  activation: 'activation',
  add: 'sum',
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
 * Whether a dense layer with many units reads the pixels themselves, without a convolution or a pooling between them:
 * from the update of such a layer images can be read off almost as they are (Fowl et al. 2022, “Robbing the Fed”).
 */
export function readsPixels(graph: Graph): boolean {
  const inputs = resolveInputs(graph);
  const raw = new Set<string>();
  for (const { name, type } of graph.layers) {
    const feeding = inputs.get(name) ?? [];
    const mixes = /^(conv|max-pool|average-pool|global-average-pool|dense)/.test(type);
    if (type === 'input' || (!mixes && feeding.some((source) => raw.has(source)))) raw.add(name);
  }
  return graph.layers.some(
    (layer) =>
      layer.type === 'dense' &&
      layer.units > UNITS_MAX &&
      (inputs.get(layer.name) ?? []).some((source) => raw.has(source)),
  );
}
