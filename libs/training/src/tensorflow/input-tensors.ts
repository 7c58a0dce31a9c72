import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor } from './tfjs.js';

/**
 * Rows as what a model of TensorFlow.js is applied to: one tensor, or one for each input, cut out of the rows. A copy,
 * since the `cpu` backend keeps the very array it is given.
 */
export function inputTensors(
  rows: Float32Array,
  count: number,
  inputShapes: readonly (readonly number[])[],
): Tensor | Tensor[] {
  if (inputShapes.length === 1) return tensor(rows.slice(), [count, ...inputShapes[0]!]);
  const row = rows.length / count;
  let first = 0;
  return inputShapes.map((shape) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const values = new Float32Array(count * size);
    for (let i = 0; i < count; i++) {
      values.set(rows.subarray(i * row + first, i * row + first + size), i * size);
    }
    first += size;
    return tensor(values, [count, ...shape]);
  });
}
