import { graphSchema, sizeOf, type Graph, type LayerType } from '@consilium/model';

/** A small graph around a layer whose gradient is put to the test. */
export interface Operation {
  /** As the failure names it. */
  readonly name: string;
  /** The types of layers that it answers for. */
  readonly covers: readonly LayerType[];
  readonly graph: Graph;
  /** `[samples, row]`. */
  readonly rows: Float32Array;
  readonly samples: number;
  /** Added to the values that are fed: far below zero a max-pool sees negative values only, which some gradients forget. */
  readonly offset: number;
  /** The step of the differences. */
  readonly step: number;
}

/** With respect to each tensor the loss is then a parabola, for which no step is too long. */
export const LINEAR = 0.5;
/** Shorter than half the distance of any two values, so that the largest stays the largest. */
export const PIECEWISE_LINEAR = 5e-3;
export const CURVED = 1e-2;

type LayerSpec = Readonly<Record<string, unknown>> & { readonly type: LayerType };

/** A layer as it is tested: what it is fed with, and how. */
export interface Case {
  readonly step: number;
  /** The shape of one sample of each thing that feeds it. */
  readonly fed: readonly (readonly number[])[];
  readonly samples?: number;
  readonly offset?: number;
  /** Other types that the case answers for. */
  readonly alsoCovers?: readonly LayerType[];
}

/**
 * The layer, fed by tensors that can be moved at will: a dense layer without bias, given the unit vector of each sample,
 * puts out a row of its kernel, which is then shaped. So the gradient with respect to that kernel is the gradient with
 * respect to the layer's input, and any engine that trains graphs can be asked for it.
 */
export function operationOf(name: string, layer: LayerSpec, given: Case): Operation {
  const { step, fed, samples = 2, offset = 0, alsoCovers = [] } = given;
  const feeding = fed.flatMap((shape, i) => [
    { type: 'dense', name: `values${i}`, from: 'sample', units: sizeOf(shape), bias: false },
    { type: 'reshape', name: `fed${i}`, shape },
  ]);
  const names = fed.map((_, i) => `fed${i}`);
  const from = fed.length === 1 ? names[0] : names;
  return {
    name,
    covers: [layer.type, ...alsoCovers],
    graph: graphSchema.parse({
      layers: [{ type: 'input', name: 'sample', shape: [samples] }, ...feeding, { ...layer, name: 'tested', from }],
    }),
    rows: unitVectors(samples),
    samples,
    offset,
    step,
  };
}

function unitVectors(count: number): Float32Array {
  const rows = new Float32Array(count * count);
  for (let i = 0; i < count; i++) rows[i * count + i] = 1;
  return rows;
}
