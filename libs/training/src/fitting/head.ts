import { sigmoid } from './loss/sigmoid.js';

/**
 * What turns a model's last values into what is told: `sigmoid` each into a probability, `softmax` those of the last
 * axis into probabilities of classes, `none` leaves values and log risks as they are.
 */
export type Head = 'sigmoid' | 'softmax' | 'none';

/** Applied in place, in float64 and rounded once. A value that is NaN stays NaN. */
export function applyHead(head: Head, values: Float32Array, channels: number): void {
  if (head === 'sigmoid') {
    for (let i = 0; i < values.length; i++) values[i] = sigmoid(values[i]!);
  } else if (head === 'softmax') {
    for (let at = 0; at < values.length; at += channels) softmaxInPlace(values.subarray(at, at + channels));
  }
}

function softmaxInPlace(values: Float32Array): void {
  const largest = values.reduce((max, value) => Math.max(max, value), -Infinity);
  const sum = values.reduce((total, value) => total + Math.exp(value - largest), 0);
  for (let i = 0; i < values.length; i++) values[i] = Math.exp(values[i]! - largest) / sum;
}
