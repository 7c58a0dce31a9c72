import type { Differentiator, Part } from './fit-loop.js';
import type { Objective } from './objective.js';

/**
 * A whole engine in a few lines, for a graph of one dense layer: logits are rows times kernel plus bias. Its memory holds
 * as many samples at once as it is told.
 */
export class LinearEngine implements Differentiator {
  #values = new Float32Array();
  /** How many samples each call brought. */
  readonly seen: number[] = [];

  constructor(
    private readonly objective: Objective,
    private readonly samplesMax = Infinity,
  ) {}

  write(values: Float32Array): void {
    this.#values = values.slice();
  }

  writeTrained(values: Float32Array): void {
    const { manifest, trainable } = this.objective;
    for (const { name, offset, size } of manifest.tensors) {
      if (trainable.has(name)) this.#values.set(values.subarray(offset, offset + size), offset);
    }
  }

  read(values: Float32Array): void {
    values.set(this.#values);
  }

  differentiate({ images, labels, count, total }: Part, gradient: Float32Array): number {
    this.seen.push(count);
    if (count > this.samplesMax) throw new Error('CUDA out of memory. Tried to allocate 2.00 GiB');
    const { row } = this.objective;
    const bias = this.#values[row]!;
    const logits = Float32Array.from({ length: count }, (_, i) => {
      let sum = bias;
      for (let j = 0; j < row; j++) sum += images[i * row + j]! * this.#values[j]!;
      return sum;
    });
    const result = this.objective.lossOf(logits, labels, count, total);
    gradient.fill(0);
    result.gradient.forEach((d, i) => {
      for (let j = 0; j < row; j++) gradient[j] = gradient[j]! + d * images[i * row + j]!;
      gradient[row] = gradient[row]! + d;
    });
    return result.loss;
  }
}
