import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { conv2d, initializers, layers, tidy } from './tfjs.js';
import { biasedConv2d } from '../kernels/fused-conv2d.js';
import type { Layer } from '@consilium/model';

type Conv2dLayer = Layer & { type: 'conv2d' };
type Shape = (number | null)[];

/** A 2-D convolution whose bias is added within the convolution, and whose gradients are computed only when needed. */
export class Conv2d extends layers.Layer {
  static readonly className = 'Conv2d';
  #kernel!: { read(): Tensor };
  #bias: { read(): Tensor } | undefined;

  constructor(
    private readonly spec: Conv2dLayer,
    private readonly positionsAndFilters: readonly number[],
  ) {
    super({ name: spec.name });
  }

  override build(inputShape: Shape | Shape[]): void {
    const { kernel, filters, bias } = this.spec;
    const channels = (inputShape as Shape).at(-1)!;
    const zeros = initializers.zeros();
    this.#kernel = this.addWeight('kernel', [...kernel, channels, filters], 'float32', zeros);
    if (bias) this.#bias = this.addWeight('bias', [filters], 'float32', zeros);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [(inputShape as Shape)[0]!, ...this.positionsAndFilters];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const { stride, padding: pad } = this.spec;
    const x = [inputs].flat()[0] as Tensor4D;
    const filter = this.#kernel.read() as Tensor4D;
    const bias = this.#bias?.read();
    if (!bias) return conv2d(x, filter, stride, pad);
    return tidy(() => biasedConv2d(x, filter, bias, stride, pad));
  }
}
