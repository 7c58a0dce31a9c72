import type { GradConfig, NamedAttrMap, Tensor, Tensor5D } from '@tensorflow/tfjs-core';
import { conv3d, engine } from '../tensorflow/tfjs.js';

/**
 * The gradient of a transposed 3-D convolution, which is computed as the gradient of a convolution, for every backend.
 *
 * Upstream: Conv2DBackpropInput has such a gradient and Conv3DBackpropInputV2 has none, so a 3-D U-Net cannot be trained.
 */
export const transposedConv3dGradient: GradConfig = {
  kernelName: 'Conv3DBackpropInputV2',
  inputsToSave: ['dy', 'filter'],
  gradFunc: (gradient, saved, attrs: NamedAttrMap) => {
    const [x, filter] = saved as [Tensor5D, Tensor5D];
    const spread = gradient as Tensor5D;
    const { strides, pad } = attrs as unknown as { strides: [number, number, number]; pad: 'same' | 'valid' };
    return {
      dy: () => conv3d(spread, filter, strides, pad),
      filter: () =>
        engine().runKernel(
          'Conv3DBackpropFilterV2',
          { x: spread, dy: x },
          { strides, pad, filterShape: filter.shape },
        ) as Tensor,
    };
  },
};
