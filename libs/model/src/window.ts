/** `same`: zeros are put around the image as needed. `valid`: the window stays inside it. */
export type Padding = 'same' | 'valid';

/**
 * How many positions a window of `size` takes on an axis of `length` when it moves by `stride`, as TensorFlow counts
 * (tf.nn.convolution): ⌈length / stride⌉ for `same`, ⌈(length − size + 1) / stride⌉ for `valid`, which is zero or less
 * where the window does not fit.
 */
export function slide(length: number, size: number, stride: number, padding: Padding): number {
  return Math.ceil((padding === 'same' ? length : length - size + 1) / stride);
}
