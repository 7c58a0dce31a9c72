import type { Tensor } from '@tensorflow/tfjs-core';
import { layers, mean, tidy } from './tfjs.js';

type Shape = (number | null)[];

/** The mean of each channel over height and width, and depth where there is one; upstream has no such layer for volumes. */
export class GlobalAveragePool extends layers.Layer {
  static readonly className = 'GlobalAveragePool';

  constructor(name: string) {
    super({ name });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = inputShape as Shape;
    return [shape[0]!, shape.at(-1)!];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const input = [inputs].flat()[0]!;
    const spatial = input.shape.slice(1, -1).map((_, axis) => axis + 1);
    return tidy(() => mean(input, spatial));
  }
}
