import { invariant } from '@consilium/stdx';
import { sizeOf } from '@consilium/model';
import type { Manifest } from '@consilium/weights';
import { GraphBuilder } from './graph-builder.js';

/**
 * A tensor of a batch. Images and volumes have their channels second, `[batch, channels, (depth,) height, width]`, as
 * ONNX convolves them; everything else has them last, as samples do: `[batch, features]`, `[batch, tokens, channels]`.
 */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether the memory is in ONNX Runtime's blocked order, `[batch, channels / B, height, width, B]`; see `blocked.ts`. */
  readonly blocked: boolean;
}

/** What a graph is compiled for. */
export interface TapeTerms {
  readonly batch: number;
  readonly manifest: Manifest;
  /** The tensors that gradients are taken with respect to. */
  readonly trainable: ReadonlySet<string>;
  /** `training`: batch norm by the batch, dropout drops. */
  readonly mode: 'training' | 'inference';
  /** How many channels stand together in the blocked layout, or undefined where everything stays plain. */
  readonly block: number | undefined;
  /** Keep the gradients of samples apart, in {@link Tape.samples}; without it they are summed. */
  readonly apart?: boolean;
}

/**
 * A tensor's gradient with the samples of the batch apart: `rows` as [batch, size], or `factors` of which each sample's
 * gradient is the outer product, x ⊗ dy, which is never formed.
 */
export type SampleGradients =
  | { readonly tensor: string; readonly rows: string }
  | { readonly tensor: string; readonly factors: readonly [x: string, dy: string] };

/**
 * Writes the forward pass and remembers how to go back: reverse-mode differentiation over layers (Griewank & Walther
 * 2008, chapter 3). Each layer emits its values and records what emits the gradients of its inputs; nothing is emitted
 * for what no trained tensor stands behind, such as the gradient of the images.
 */
export class Tape {
  readonly graph = new GraphBuilder();
  /** Batch norms' new moving statistics, by tensor. */
  readonly statistics = new Map<string, string>();
  /** With `apart`: what the samples' gradients are made of. A tensor that is used twice stands here twice. */
  readonly samples: SampleGradients[] = [];
  readonly #weights: ReadonlyMap<string, string>;
  readonly #backward: (() => void)[] = [];
  readonly #gradients = new Map<string, string>();
  readonly #wanted = new Set<string>();
  readonly #plain = new Map<string, Value>();

  constructor(readonly terms: TapeTerms) {
    const { manifest } = terms;
    const sizes = manifest.tensors.map(({ size }) => size);
    // A model without tensors, such as a mean over pixels, can be asked for its outputs all the same.
    const pieces = sizes.length === 0 ? [] : this.graph.split(this.graph.input('weights', [manifest.size]), 0, sizes);
    this.#weights = new Map(manifest.tensors.map(({ name }, i) => [name, pieces[i]!]));
  }

  get batch(): number {
    return this.terms.batch;
  }

  /** A tensor of the manifest in another shape than its own flat one. */
  weight(name: string, shape: readonly number[]): Value {
    const piece = this.#weights.get(name);
    invariant(piece !== undefined, 'a layer asks for tensors of its manifest');
    const value = { name: this.graph.reshape(piece, shape), shape, blocked: false };
    if (this.trains(name)) {
      this.#wanted.add(value.name);
      this.#backward.push(() => {
        const gradient = this.#gradients.get(value.name);
        if (gradient !== undefined) this.addWeightGradient(name, gradient);
      });
    }
    return value;
  }

  trains(tensor: string): boolean {
    return this.terms.trainable.has(tensor);
  }

  value(name: string, shape: readonly number[], blocked = false): Value {
    return { name, shape, blocked };
  }

  wants(value: Value): boolean {
    return this.#wanted.has(value.name);
  }

  /** Tells how the gradient of `output` goes back to `inputs`; `backward` is called if any of them wants it. */
  record(output: Value, inputs: readonly Value[], backward: (gradient: string) => void): Value {
    if (!inputs.some((input) => this.wants(input))) return output;
    this.#wanted.add(output.name);
    this.#backward.push(() => {
      const gradient = this.#gradients.get(output.name);
      if (gradient !== undefined) backward(gradient);
    });
    return output;
  }

  /** Adds to the gradient of a value, laid out as the value is. */
  add(value: Value, gradient: string): void {
    if (this.wants(value)) this.#add(value.name, gradient);
  }

  /** Adds to the gradient of a tensor of the manifest, in any shape of the right size and order. */
  addWeightGradient(tensor: string, gradient: string): void {
    if (!this.trains(tensor)) return;
    const flat = this.graph.reshape(gradient, [-1]);
    this.#add(tensor, flat);
  }

  /** Adds the gradients of samples, [batch, …], to that of a tensor. */
  addSampleGradients(tensor: string, gradients: string): void {
    if (!this.trains(tensor)) return;
    if (!this.terms.apart) return this.addWeightGradient(tensor, this.graph.sum(gradients, [0]));
    this.samples.push({ tensor, rows: this.graph.reshape(gradients, [this.batch, -1]) });
  }

  /** Adds Σ over samples of x ⊗ dy, x being [batch, in] and dy [batch, out], to the gradient of a tensor. */
  addOuterGradients(tensor: string, x: string, dy: string): void {
    if (!this.trains(tensor)) return;
    if (this.terms.apart) this.samples.push({ tensor, factors: [x, dy] });
    else this.addWeightGradient(tensor, this.graph.op('Gemm', [x, dy], { transA: 1 }));
  }

  /** Emits the backward pass from the gradient of `output`. */
  differentiate(output: Value, gradient: string): void {
    this.#add(output.name, gradient);
    for (const backward of this.#backward.toReversed()) backward();
  }

  /** All gradients back to back in manifest order; 0 for what is not trained. */
  flatGradient(): string {
    const { graph } = this;
    const pieces: string[] = [];
    let zeros = 0;
    const flush = (): void => {
      if (zeros > 0) pieces.push(graph.op('Expand', [graph.number(0), graph.integers([zeros])]));
      zeros = 0;
    };
    for (const { name, size } of this.terms.manifest.tensors) {
      const gradient = this.#gradients.get(name);
      if (gradient === undefined) {
        zeros += size;
        continue;
      }
      flush();
      pieces.push(gradient);
    }
    flush();
    return graph.concat(pieces, 0);
  }

  /** A value's twin in another layout, made once. */
  remembered(key: string, make: () => Value): Value {
    const known = this.#plain.get(key);
    if (known) return known;
    const made = make();
    this.#plain.set(key, made);
    return made;
  }

  #add(name: string, gradient: string): void {
    const before = this.#gradients.get(name);
    this.#gradients.set(name, before === undefined ? gradient : this.graph.op('Add', [before, gradient]));
  }
}

/** Channels of a value. */
export const channelsOf = ({ shape }: Value): number => (shape.length >= 4 ? shape[1]! : shape.at(-1)!);

/** Values of an image's plane, or 1. */
export const planeOf = ({ shape }: Value): number => sizeOf(shape.slice(2));
