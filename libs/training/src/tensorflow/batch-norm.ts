import type { Layer } from '@consilium/model';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { layers as Layers } from '@tensorflow/tfjs-layers';
import { batchNorm2d, initializers, layers, moments, mul, reshape, sub, tidy } from './tfjs.js';

type BatchNormLayer = Layer & { type: 'batch-norm' };
type Shape = (number | null)[];
type Variable = Layers.Layer['weights'][number];

/**
 * Batch normalisation (Ioffe & Szegedy 2015) of the last axis, for any number of axes; upstream's layer refuses
 * volumes. In training it normalises by the batch and moves its statistics towards it, as Keras does:
 * moving ← momentum · moving + (1 − momentum) · batch, with the biased variance. Else it normalises by the statistics.
 */
export class BatchNorm extends layers.Layer {
  static readonly className = 'BatchNorm';
  #gamma!: Variable;
  #beta!: Variable;
  #movingMean!: Variable;
  #movingVariance!: Variable;

  constructor(private readonly spec: BatchNormLayer) {
    super({ name: spec.name });
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = [(inputShape as Shape).at(-1)!];
    const [zeros, ones] = [initializers.zeros(), initializers.ones()];
    this.#gamma = this.addWeight('gamma', channels, 'float32', ones);
    this.#beta = this.addWeight('beta', channels, 'float32', zeros);
    this.#movingMean = this.addWeight('moving_mean', channels, 'float32', zeros, undefined, false);
    this.#movingVariance = this.addWeight('moving_variance', channels, 'float32', ones, undefined, false);
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[], mode: { training?: boolean }): Tensor {
    // As in Keras, a frozen one normalises by what it knows.
    const training = mode.training && this.trainable;
    return tidy(() => {
      const input = [inputs].flat()[0]!;
      const rows = reshape(input, [-1, input.shape.at(-1)!]) as Tensor2D;
      const { mean, variance } = training
        ? moments(rows, 0)
        : { mean: this.#movingMean.read(), variance: this.#movingVariance.read() };
      if (training) {
        this.#move(this.#movingMean, mean);
        this.#move(this.#movingVariance, variance);
      }
      const [gamma, beta] = [this.#gamma.read() as Tensor1D, this.#beta.read() as Tensor1D];
      const normed = batchNorm2d(rows, mean as Tensor1D, variance as Tensor1D, beta, gamma, this.spec.epsilon);
      return reshape(normed, input.shape);
    });
  }

  #move(statistic: Variable, batch: Tensor): void {
    tidy(() => {
      const moving = statistic.read();
      statistic.write(sub(moving, mul(sub(moving, batch), 1 - this.spec.momentum)));
    });
  }
}
