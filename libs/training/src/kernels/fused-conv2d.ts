import type { GradConfig, NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';
import { engine, sum } from '../tensorflow/tfjs.js';

/** A 2-D convolution with bias, in one kernel; channels last. */
export const biasedConv2d = (
  x: Tensor,
  filter: Tensor,
  bias: Tensor,
  strides: readonly [number, number],
  pad: 'same' | 'valid',
): Tensor => {
  const attrs = { strides: [...strides], pad, dataFormat: 'NHWC', dilations: [1, 1], activation: 'linear' };
  return engine().runKernel('FusedConv2D', { x, filter, bias }, attrs) as Tensor;
};

/**
 * The gradient of a 2-D convolution with bias and without activation, for every backend.
 *
 * Upstream: `tf.fused.conv2d` computes the gradients of image, filter and bias together, so the first layer pays for
 * the gradient of the patients' images, which nobody wants. Registered for the kernel, each is computed when asked for.
 */
export const fusedConv2dGradient: GradConfig = {
  kernelName: 'FusedConv2D',
  inputsToSave: ['x', 'filter'],
  gradFunc: (gradient, saved, attrs: NamedAttrMap) => {
    const dy = gradient as Tensor;
    const [x, filter] = saved as [Tensor, Tensor];
    const { strides, pad, dataFormat } = attrs as { strides: number[]; pad: string; dataFormat: string };
    const run = (kernel: string, inputs: Record<string, Tensor>, shape: NamedAttrMap): Tensor =>
      engine().runKernel(kernel, inputs, { strides, pad, dataFormat, ...shape }) as Tensor;
    return {
      x: () => run('Conv2DBackpropInput', { dy, filter }, { inputShape: x.shape }),
      filter: () => run('Conv2DBackpropFilter', { x, dy }, { filterShape: filter.shape }),
      bias: () => sum(dy, [0, 1, 2]),
    };
  },
};
