import type { Tensor, Tensor4D, Tensor5D } from '@tensorflow/tfjs-core';
import { add, concat, conv2d, conv3d, depthwiseConv2d, reshape, split } from '../tfjs.js';
import { biasedConv2d } from '../../kernels/fused-conv2d.js';
import { dilated } from './dilated.js';

type Pair = [number, number];
type Triple = [number, number, number];

/** How a convolution's window moves; one number for each spatial axis. */
export interface Sliding {
  readonly stride: readonly number[];
  readonly padding: 'same' | 'valid';
  readonly dilation: readonly number[];
}

/**
 * A convolution of images or volumes, channels last, with a kernel of [(depth,) height, width, in / groups, out]. Each
 * group of filters looks at its own share of the channels, as in PyTorch and ONNX; the layers of TensorFlow.js know no
 * groups, so there is one convolution for each, or a depthwise one where each channel is a group.
 */
export function convolution(x: Tensor, kernel: Tensor, bias: Tensor | undefined, sliding: Sliding, groups = 1): Tensor {
  const filters = dilated(kernel, sliding.dilation);
  if (groups === 1) return convolve(x, filters, bias, sliding);
  const channels = x.shape.at(-1)!;
  const ungrouped =
    groups === channels && x.rank === 4
      ? depthwise(x, reshape(filters, [...filters.shape.slice(0, 2), channels, filters.shape[3]! / groups]), sliding)
      : concat(
          split(x, groups, -1).map((share, i) => convolve(share, split(filters, groups, -1)[i]!, undefined, sliding)),
          -1,
        );
  return bias ? add(ungrouped, bias) : ungrouped;
}

/** Each channel by itself, with a kernel of [height, width, in, multiplier]; the filters of a channel stand side by side. */
export function depthwiseConvolution(x: Tensor, kernel: Tensor, bias: Tensor | undefined, sliding: Sliding): Tensor {
  const convolved = depthwise(x, dilated(kernel, sliding.dilation), sliding);
  return bias ? add(convolved, bias) : convolved;
}

const depthwise = (x: Tensor, filters: Tensor, { stride, padding }: Sliding): Tensor =>
  depthwiseConv2d(x as Tensor4D, filters as Tensor4D, [...stride] as Pair, padding);

/** A 2-D bias is added within the convolution, and gradients are computed only when needed. */
function convolve(x: Tensor, filters: Tensor, bias: Tensor | undefined, { stride, padding }: Sliding): Tensor {
  if (x.rank === 5) {
    const convolved = conv3d(x as Tensor5D, filters as Tensor5D, [...stride] as Triple, padding);
    return bias ? add(convolved, bias) : convolved;
  }
  if (bias) return biasedConv2d(x, filters, bias, [...stride] as Pair, padding);
  return conv2d(x as Tensor4D, filters as Tensor4D, [...stride] as Pair, padding);
}
