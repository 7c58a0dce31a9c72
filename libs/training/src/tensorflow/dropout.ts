import type { Tensor } from '@tensorflow/tfjs-core';
import { layers, mul, tensor, tidy } from './tfjs.js';

/** Where masks are drawn from. */
export interface DropoutSource {
  /** In [0, 1). */
  uniform(): number;
}

/**
 * Dropout (Srivastava et al. 2014) whose masks come from our own stream: each value is dropped with probability `rate`
 * and the others are scaled by 1 / (1 − rate), in training only. Upstream's layer, given a seed, drops the same values
 * in every step.
 */
export class SeededDropout extends layers.Layer {
  static readonly className = 'SeededDropout';

  constructor(
    name: string,
    private readonly rate: number,
    private readonly random: DropoutSource,
  ) {
    super({ name });
  }

  override call(inputs: Tensor | Tensor[], { training }: { training?: boolean }): Tensor {
    const input = [inputs].flat()[0]!;
    if (!training || this.rate === 0) return input;
    return tidy(() => mul(input, tensor(this.#mask(input.size), input.shape)));
  }

  #mask(size: number): Float32Array {
    const kept = 1 / (1 - this.rate);
    return Float32Array.from({ length: size }, () => (this.random.uniform() < this.rate ? 0 : kept));
  }
}
