import type { Layer } from './graph.js';
import { written } from './misfit.js';
import { sizeOf, type Shape } from './shapes.js';

/**
 * PyTorch's values of a layer's tensor in our order of axes, or undefined where the shapes do not fit.
 *
 * | layer | PyTorch's weight | ours |
 * |---|---|---|
 * | conv2d, conv3d | [out, in / groups, (depth,) height, width] | [(depth,) height, width, in / groups, out] |
 * | transposed-conv2d, transposed-conv3d | [in, out, (depth,) height, width] | [(depth,) height, width, out, in] |
 * | depthwise-conv2d | [in · multiplier, 1, height, width] | [height, width, in, multiplier] |
 * | dense | [out, in] | [in, out] |
 * | embedding, and all vectors | the same | the same |
 */
export function torchValues(layer: Layer, ours: Shape, theirs: Shape, values: Float32Array): Float32Array | undefined {
  if (ours.length === 1 || layer.type === 'embedding') return same(theirs, ours) ? values : undefined;
  if (layer.type === 'depthwise-conv2d') {
    const [height, width, channels, multiplier] = ours as [number, number, number, number];
    if (!same(theirs, [channels * multiplier, 1, height, width])) return undefined;
    return rearranged(values, [channels, multiplier, height, width], [2, 3, 0, 1]);
  }
  const [outer, inner, ...window] = theirs as [number, number, ...number[]];
  if (!same([...window, inner, outer], ours)) return undefined;
  return rearranged(values, theirs, [...window.map((_, axis) => axis + 2), 1, 0]);
}

/** The values with their axes in another order: axis `i` of the result is axis `order[i]` of `shape`. */
export function rearranged(values: Float32Array, shape: Shape, order: readonly number[]): Float32Array {
  const result = new Float32Array(values.length);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const place = order.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = values[from]!;
    // Counts up in the new order, the last axis first.
    for (let i = order.length - 1; i >= 0; i--) {
      const axis = order[i]!;
      place[i]!++;
      from += strides[axis]!;
      if (place[i]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      place[i] = 0;
    }
  }
  return result;
}

const same = (a: Shape, b: Shape): boolean => written(a) === written(b);
