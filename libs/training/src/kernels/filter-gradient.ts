import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { add, matMul, reshape, slice, tidy } from '../tensorflow/tfjs.js';
import { channelsFirst } from './channels-first.js';
import { replacement, tensorOf, valuesOf, type KernelCall } from './heap.js';
import { patchSizeOf, positionsOf, stretchesOf, unfold } from './patches.js';
import { fillsVectors, simdFilterGradient } from './simd-filter-gradient.js';
import { simdOf } from './simd/instance.js';
import { conv2dWindow, conv3dWindow, type Window, type WindowAttrs } from './window.js';

type Call = KernelCall<{ x: Tensor; dy: Tensor }, WindowAttrs & { filterShape: number[] }>;

/** Upstream: the `wasm` backend has no Conv2DBackpropFilter at all, so convolutions cannot be trained (tfjs #8474). */
export const conv2dFilterGradient = replacement(
  'Conv2DBackpropFilter',
  ({ inputs: { x, dy }, attrs, backend }: Call) => {
    const { filterShape } = attrs;
    const window = conv2dWindow(x.shape, filterShape, attrs);
    const simd = fillsVectors(filterShape[3]!) ? simdOf(backend) : null;
    return simd
      ? simdFilterGradient(x, dy, filterShape, window, backend, simd)
      : filterGradient(x, dy, filterShape, window, backend);
  },
);

/**
 * Upstream: Conv3DBackpropFilterV2 rounds a loop bound down that must be rounded up, so the gradient is wrong for every
 * stride above 1 (cc/kernels/Conv3DBackpropFilterV2.cc), silently.
 */
export const conv3dFilterGradient = replacement(
  'Conv3DBackpropFilterV2',
  ({ inputs: { x, dy }, attrs, backend }: Call) =>
    filterGradient(x, dy, attrs.filterShape, conv3dWindow(x.shape, attrs.filterShape, attrs), backend),
);

/** ∂W = patches · ∂Y: how each tap's input went together with each output's gradient, over all positions. */
function filterGradient(
  x: Tensor,
  dy: Tensor,
  filterShape: number[],
  window: Window,
  backend: BackendWasm,
): TensorInfo {
  const positions = positionsOf(window);
  const stretches = stretchesOf(window);
  return tidy(() => {
    const input = channelsFirst(x);
    const rows = reshape(dy, [window.batch * positions, -1]);
    let sum: Tensor | undefined;
    for (const stretch of stretches) {
      const columns = (stretch.end - stretch.first) * positions;
      const patches = tensorOf(backend.makeOutput([patchSizeOf(window), columns], 'float32'));
      unfold(valuesOf(backend, input), window, stretch, valuesOf(backend, patches));
      const part = stretches.length === 1 ? rows : slice(rows, [stretch.first * positions, 0], [columns, -1]);
      const gradient = matMul(patches, part);
      patches.dispose();
      sum = sum ? add(sum, gradient) : gradient;
    }
    return reshape(sum!, filterShape);
  });
}
