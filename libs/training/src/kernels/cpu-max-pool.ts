import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { tensor } from '../tensorflow/tfjs.js';
import type { Repair } from './heap.js';
import { toMaxima } from './max-pool.js';
import { pool3dWindow, type WindowAttrs } from './window.js';

interface Call {
  readonly inputs: { readonly dy: Tensor; readonly input: Tensor };
  readonly attrs: WindowAttrs & { readonly filterSize: [number, number, number] };
}

/**
 * Upstream: the `cpu` backend's MaxPool3DGrad counts a place in the window by rows as long as the window is high
 * (maxPool3dPositions in utils/pool_utils.js), so where height and width differ the gradient goes elsewhere or nowhere.
 */
export const cpuMaxPool3dGradient: Repair = {
  kernelName: 'MaxPool3DGrad',
  repaired: () => (call) => {
    const { inputs, attrs } = call as unknown as Call;
    const { dy, input } = inputs;
    const dx = new Float32Array(input.size);
    toMaxima(
      dy.dataSync<'float32'>(),
      input.dataSync<'float32'>(),
      pool3dWindow(input.shape, attrs.filterSize, attrs),
      dx,
    );
    return tensor(dx, input.shape) as TensorInfo;
  },
};
