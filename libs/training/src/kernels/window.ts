import type { backend_util as Util } from '@tensorflow/tfjs-core';
import { backend_util } from '../tensorflow/tfjs.js';

/** One number for each of depth, height and width. */
export type Triple = readonly [depth: number, height: number, width: number];

/**
 * How a window moves over a batch of channels-last volumes; an image is a volume of depth 1, so that one loop serves
 * both. Dilation is always 1: TensorFlow.js has no gradients for other dilations.
 */
export interface Window {
  readonly batch: number;
  readonly channels: number;
  /** Extent of the input, of the window and of its positions. */
  readonly input: Triple;
  readonly size: Triple;
  readonly positions: Triple;
  readonly stride: Triple;
  /** How far the first position lies before the input's first element. */
  readonly before: Triple;
}

type Padding = 'valid' | 'same' | number | Util.ExplicitPadding;
type Rounding = 'floor' | 'round' | 'ceil' | undefined;

export interface WindowAttrs {
  readonly strides: [number, number] | [number, number, number] | number;
  readonly pad: Padding;
  readonly dimRoundingMode?: Rounding;
}

/** The window of a 2-D convolution with a filter of [height, width, in, out]. */
export function conv2dWindow(input: readonly number[], filter: readonly number[], attrs: WindowAttrs): Window {
  const info = backend_util.computeConv2DInfo(
    input as [number, number, number, number],
    filter as [number, number, number, number],
    attrs.strides as [number, number],
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
  return flat(info);
}

/** The window of a 2-D pooling. */
export function pool2dWindow(
  input: readonly number[],
  size: [number, number] | number,
  { strides, pad, dimRoundingMode }: WindowAttrs,
): Window {
  const shape = input as [number, number, number, number];
  return flat(backend_util.computePool2DInfo(shape, size, strides as [number, number], 1, pad, dimRoundingMode));
}

/** The window of a 3-D convolution with a filter of [depth, height, width, in, out]. */
export function conv3dWindow(input: readonly number[], filter: readonly number[], attrs: WindowAttrs): Window {
  const info = backend_util.computeConv3DInfo(
    input as [number, number, number, number, number],
    filter as [number, number, number, number, number],
    attrs.strides as [number, number, number],
    1,
    attrs.pad as 'same' | 'valid',
  );
  return deep(info);
}

/** The window of a 3-D pooling. */
export function pool3dWindow(
  input: readonly number[],
  size: [number, number, number] | number,
  { strides, pad, dimRoundingMode }: WindowAttrs,
): Window {
  const shape = input as [number, number, number, number, number];
  const stride = strides as [number, number, number];
  return deep(backend_util.computePool3DInfo(shape, size, stride, 1, pad as 'same' | 'valid', dimRoundingMode));
}

const flat = (info: Util.Conv2DInfo): Window => ({
  batch: info.batchSize,
  channels: info.inChannels,
  input: [1, info.inHeight, info.inWidth],
  size: [1, info.filterHeight, info.filterWidth],
  positions: [1, info.outHeight, info.outWidth],
  stride: [1, info.strideHeight, info.strideWidth],
  before: [0, info.padInfo.top, info.padInfo.left],
});

const deep = (info: Util.Conv3DInfo): Window => ({
  batch: info.batchSize,
  channels: info.inChannels,
  input: [info.inDepth, info.inHeight, info.inWidth],
  size: [info.filterDepth, info.filterHeight, info.filterWidth],
  positions: [info.outDepth, info.outHeight, info.outWidth],
  stride: [info.strideDepth, info.strideHeight, info.strideWidth],
  before: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
});
