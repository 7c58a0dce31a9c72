import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { conv2d, matMul, reshape, reverse, slice, tidy, transpose, zeros } from '../tensorflow/tfjs.js';
import { channelsLast } from './channels-first.js';
import { replacement, valuesOf, type KernelCall } from './heap.js';
import { fold, patchSizeOf, positionsOf, stretchesOf } from './patches.js';
import { conv2dWindow, conv3dWindow, type Window, type WindowAttrs } from './window.js';

type Call = KernelCall<{ dy: Tensor; filter: Tensor }, WindowAttrs & { inputShape: number[] }>;

/** Upstream: right, but three nested scalar loops; most of a training step is spent there. */
export const conv2dInputGradient = replacement(
  'Conv2DBackpropInput',
  ({ inputs: { dy, filter }, attrs, backend }: Call) => {
    const window = conv2dWindow(attrs.inputShape, filter.shape, attrs);
    return window.stride.every((stride) => stride === 1) && coversInput(window)
      ? byConvolution(dy as Tensor4D, filter as Tensor4D, window)
      : byFolding(dy, filter, attrs.inputShape, window, backend);
  },
);

/** Upstream: Conv3DBackpropInputV2 forgets an offset in a loop bound (cc/conv3d_impl.h), so every gradient is wrong, silently. */
export const conv3dInputGradient = replacement(
  'Conv3DBackpropInputV2',
  ({ inputs: { dy, filter }, attrs, backend }: Call) =>
    byFolding(dy, filter, attrs.inputShape, conv3dWindow(attrs.inputShape, filter.shape, attrs), backend),
);

/** With stride 1 the gradient is itself a convolution: of ∂Y with the filter turned by 180° and its channels exchanged. */
function byConvolution(dy: Tensor4D, filter: Tensor4D, { input, size, positions, before }: Window): TensorInfo {
  const [, top, left] = before.map((pad, axis) => size[axis]! - 1 - pad) as [number, number, number];
  const bottom = input[1] + size[1] - 1 - positions[1] - top;
  const right = input[2] + size[2] - 1 - positions[2] - left;
  return tidy(() => {
    const turned = transpose(reverse(filter, [0, 1]), [0, 1, 3, 2]);
    return conv2d(dy, turned, 1, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
  });
}

/** Whether {@link byConvolution} needs only padding and no cropping. */
const coversInput = ({ size, before, input, positions }: Window): boolean =>
  size.every((extent, axis) => {
    const pad = extent - 1 - before[axis]!;
    return pad >= 0 && input[axis]! + extent - 1 - positions[axis]! - pad >= 0;
  });

/** ∂X: each position's gradient, spread over its patch by W, is added back to where the patch lay. */
function byFolding(dy: Tensor, filter: Tensor, inputShape: number[], window: Window, backend: BackendWasm): TensorInfo {
  const positions = positionsOf(window);
  return tidy(() => {
    const rows = reshape(dy, [window.batch * positions, -1]);
    const weights = reshape(filter, [patchSizeOf(window), -1]);
    const output = zeros(inputShape);
    for (const stretch of stretchesOf(window)) {
      const part = slice(rows, [stretch.first * positions, 0], [(stretch.end - stretch.first) * positions, -1]);
      const patches = matMul(weights, part, false, true);
      fold(valuesOf(backend, patches), window, stretch, valuesOf(backend, output));
      patches.dispose();
    }
    return channelsLast(output, window, inputShape);
  });
}
