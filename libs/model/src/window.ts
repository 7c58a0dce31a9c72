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

/** How far a window of `size` reaches when its elements lie `dilation` apart. */
export const reach = (size: number, dilation: number): number => (size - 1) * dilation + 1;

/**
 * How long an axis becomes when a window of `size` is spread over it from each of `length` positions, as Keras counts
 * for a transposed convolution: length · stride for `same`, and the rest of the last window more for `valid`.
 * {@link slide} takes `length` positions over it again.
 */
export function spread(length: number, size: number, stride: number, padding: Padding): number {
  return length * stride + (padding === 'same' ? 0 : Math.max(size - stride, 0));
}
