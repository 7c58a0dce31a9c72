import type { LayerTensor } from '@consilium/model';
import { invariant } from '@consilium/stdx';
import type { Tensor } from '@tensorflow/tfjs-core';
import { initializers, layers, tidy } from './tfjs.js';

/** What a layer computes from the batches that feed it and from its own tensors. */
export type Compute = (inputs: readonly Tensor[], weight: Weight) => Tensor;

/** A tensor of the layer by its part, such as `kernel`. */
export type Weight = (part: string) => Tensor;

/**
 * A layer of our vocabulary as TensorFlow.js wants one: its shape and tensors are those of `@consilium/model`, and what
 * it computes is a function. Upstream's own layers lack volumes, groups, dilation and gradients in many places, so only
 * the ones that merely arrange values are used.
 */
export class GraphLayer extends layers.Layer {
  static readonly className = 'GraphLayer';
  readonly #weights = new Map<string, { read(): Tensor }>();

  constructor(
    name: string,
    private readonly outputShape_: readonly number[],
    private readonly tensors: readonly LayerTensor[],
    private readonly compute: Compute,
  ) {
    super({ name });
  }

  override build(inputShape: (number | null)[] | (number | null)[][]): void {
    for (const { layer, name, shape, trainable } of this.tensors) {
      const part = name.slice(layer.length + 1);
      // Weights begin as zeros, which costs nothing: whoever compiles sets them.
      const weight = this.addWeight(part, [...shape], 'float32', initializers.zeros(), undefined, trainable);
      this.#weights.set(part, weight);
    }
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: (number | null)[] | (number | null)[][]): (number | null)[] {
    const batch = Array.isArray(inputShape[0]) ? inputShape[0][0]! : (inputShape[0] as number | null);
    return [batch, ...this.outputShape_];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => this.compute([inputs].flat(), (part) => this.#weight(part)));
  }

  #weight(part: string): Tensor {
    const weight = this.#weights.get(part);
    invariant(weight, 'a layer reads its own tensors');
    return weight.read();
  }
}
