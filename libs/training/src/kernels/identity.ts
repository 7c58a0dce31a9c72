import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { replacement, type KernelCall } from './heap.js';

/** Upstream: right, but copies. Tensors never change, so a second reference does, as in upstream's own Reshape. */
export const identity = replacement(
  'Identity',
  ({ inputs: { x }, backend }: KernelCall<{ x: Tensor }, object>): TensorInfo => {
    backend.incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  },
);
