import type { Layer } from '@consilium/model';

type Padding = 'same' | 'valid';
type Axes = readonly number[];

/** How a window slides over an image or volume; every list has an entry for each spatial axis. */
export interface Geometry {
  /** Lengths before and after; a transposed convolution goes the other way. */
  readonly large: Axes;
  readonly small: Axes;
  readonly window: Axes;
  readonly stride: Axes;
  readonly dilation: Axes;
  /** Zeros put before and after the large side. */
  readonly before: Axes;
  readonly after: Axes;
  readonly groups: number;
}

/**
 * TensorFlow's arithmetic: `same` pads by max(0, (small − 1) · stride + reach − large) in all, the odd one at the end;
 * `valid` pads nothing. ONNX's own SAME_UPPER is not used, so that backward knows the numbers.
 *
 * @param large, small lengths of the spatial axes
 */
export function geometryOf(
  { window, stride, dilation, padding, groups = 1 }: WindowSpec,
  large: Axes,
  small: Axes,
): Geometry {
  const spacing = dilation ?? window.map(() => 1);
  const padded = window.map((size, i) =>
    padding === 'valid' ? 0 : Math.max(0, (small[i]! - 1) * stride[i]! + (size - 1) * spacing[i]! + 1 - large[i]!),
  );
  const before = padded.map((count) => Math.floor(count / 2));
  const after = padded.map((count, i) => count - before[i]!);
  return { large, small, window, stride, dilation: spacing, before, after, groups };
}

export interface WindowSpec {
  readonly window: Axes;
  readonly stride: Axes;
  readonly dilation?: Axes;
  readonly padding: Padding;
  readonly groups?: number;
}

/** A pooling layer's window. */
export const poolWindow = (layer: {
  readonly size: Axes;
  readonly stride?: Axes | undefined;
  readonly padding: Padding;
}): WindowSpec => ({ window: layer.size, stride: layer.stride ?? layer.size, padding: layer.padding });

export type LayerOf<Type extends Layer['type']> = Layer & { readonly type: Type };

/** The attributes of ONNX's sliding operators. */
export const slidingAttributes = ({ window, stride, before, after }: Geometry): Record<string, Axes> => ({
  kernel_shape: window,
  strides: stride,
  pads: [...before, ...after],
});

/** What is left of the padded large side after the last window. */
export const remainder = ({ large, small, window, stride, dilation, before, after }: Geometry): Axes =>
  large.map(
    (length, i) =>
      length + before[i]! + after[i]! - ((small[i]! - 1) * stride[i]! + (window[i]! - 1) * dilation[i]! + 1),
  );

/** The places of a window, in the order of a kernel's memory. */
export function placesOf(window: Axes): readonly Axes[] {
  return window.reduce<Axes[]>(
    (places, size) => places.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );
}
