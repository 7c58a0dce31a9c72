import type { Tensor, Tensor4D, Tensor5D } from '@tensorflow/tfjs-core';
import { avgPool, avgPool3d, maxPool, maxPool3d, mean, reshape } from '../tfjs.js';

type Pair = [number, number];
type Triple = [number, number, number];

interface Pooling {
  readonly size: readonly number[];
  readonly stride?: readonly number[] | undefined;
  readonly padding: 'same' | 'valid';
}

/** The largest value of each channel in a window; of equal ones the first has the gradient. */
export function maxPooling(x: Tensor, { size, stride = size, padding }: Pooling): Tensor {
  return x.rank === 5
    ? maxPool3d(x as Tensor5D, [...size] as Triple, [...stride] as Triple, padding)
    : maxPool(x as Tensor4D, [...size] as Pair, [...stride] as Pair, padding);
}

/** The mean of each channel over the values of a window that exist, as TensorFlow and ONNX count by default. */
export function averagePooling(x: Tensor, { size, stride = size, padding }: Pooling): Tensor {
  return x.rank === 5
    ? avgPool3d(x as Tensor5D, [...size] as Triple, [...stride] as Triple, padding)
    : avgPool(x as Tensor4D, [...size] as Pair, [...stride] as Pair, padding);
}

/** The mean of each channel over all positions. */
export const globalAveragePooling = (x: Tensor): Tensor => mean(x, spatialAxes(x));

/** The largest value of each channel; a pool as large as the image, so that equal values share no gradient. */
export function globalMaxPooling(x: Tensor): Tensor {
  const size = spatialAxes(x).map((axis) => x.shape[axis]!);
  return reshape(maxPooling(x, { size, padding: 'valid' }), [x.shape[0]!, x.shape.at(-1)!]);
}

const spatialAxes = (x: Tensor): number[] => x.shape.slice(1, -1).map((_, axis) => axis + 1);
