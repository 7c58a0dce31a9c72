import { invariant } from '@consilium/stdx';
import type { Manifest, TensorSpec } from '@consilium/weights';
import type { NamedTensorMap, Variable } from '@tensorflow/tfjs-core';
import { tensor, tidy } from './tfjs.js';
import type { LayersModel } from '@tensorflow/tfjs-layers';

type LayerVariable = LayersModel['weights'][number];

/**
 * A compiled model's variables in the order of our manifest, batch norm's moving statistics included. Upstream's own
 * order puts trainable ones first and so changes with what is trained.
 */
export class Variables {
  readonly #places: readonly { readonly spec: TensorSpec; readonly variable: LayerVariable }[];
  readonly #trainable: readonly { readonly spec: TensorSpec; readonly variable: LayerVariable }[];

  constructor(model: LayersModel, manifest: Manifest, trainable: ReadonlySet<string>) {
    // `originalName` is layer/part as given; `name` may carry a counter.
    const byName = new Map(model.weights.map((variable) => [variable.originalName, variable]));
    this.#places = manifest.tensors.map((spec) => {
      const variable = byName.get(spec.name);
      invariant(variable && sameShape(variable.shape, spec.shape), 'a compiled model has the tensors of its manifest');
      return { spec, variable };
    });
    invariant(byName.size === manifest.tensors.length, 'a compiled model has no tensor beyond its manifest');
    this.#trainable = this.#places.filter(({ spec }) => trainable.has(spec.name));
  }

  /** What gradients are taken with respect to. */
  get trainable(): Variable[] {
    return this.#trainable.map(({ variable }) => variableOf(variable));
  }

  /** Sets all variables from values laid out by the manifest. */
  write(values: Float32Array): void {
    write(this.#places, values);
  }

  writeTrainable(values: Float32Array): void {
    write(this.#trainable, values);
  }

  /** A copy of all variables, laid out by the manifest; `values` gives the size. */
  readInto(values: Float32Array): void {
    for (const { spec, variable } of this.#places) values.set(variable.read().dataSync<'float32'>(), spec.offset);
  }

  /** Lays gradients out by the manifest; stretches of variables that are not trained stay as they are. */
  readGradients(gradients: NamedTensorMap, values: Float32Array): void {
    for (const { spec, variable } of this.#trainable) {
      const gradient = gradients[variableOf(variable).name];
      invariant(gradient, 'every trainable variable has a gradient');
      values.set(gradient.dataSync<'float32'>(), spec.offset);
    }
  }
}

function write(places: readonly { spec: TensorSpec; variable: LayerVariable }[], values: Float32Array): void {
  tidy(() => {
    for (const { spec, variable } of places) {
      // A copy, since the `cpu` backend keeps the very array it is given.
      const copy = values.slice(spec.offset, spec.offset + spec.size);
      variable.write(tensor(copy, [...spec.shape]));
    }
  });
}

/** The variable that a layer's variable wraps; `read()` returns it, typed as a tensor. */
const variableOf = (variable: LayerVariable): Variable => variable.read() as Variable;

const sameShape = (a: readonly (number | null)[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((length, axis) => length === b[axis]);
