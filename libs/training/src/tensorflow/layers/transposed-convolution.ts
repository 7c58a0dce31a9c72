import type { Tensor, Tensor4D, Tensor5D } from '@tensorflow/tfjs-core';
import { add, conv2dTranspose, conv3dTranspose } from '../tfjs.js';

/**
 * The transpose of a convolution (Zeiler et al. 2010), channels last, with a kernel of [(depth,) height, width, out, in]:
 * each value is spread over its window by the kernel, as the gradient of a convolution is.
 *
 * @param outputShape of one sample
 */
export function transposedConvolution(
  x: Tensor,
  kernel: Tensor,
  bias: Tensor | undefined,
  stride: readonly number[],
  padding: 'same' | 'valid',
  outputShape: readonly number[],
): Tensor {
  const batch = x.shape[0]!;
  const spread =
    x.rank === 5
      ? conv3dTranspose(
          x as Tensor5D,
          kernel as Tensor5D,
          [batch, ...outputShape] as [number, number, number, number, number],
          [...stride] as [number, number, number],
          padding,
        )
      : conv2dTranspose(
          x as Tensor4D,
          kernel as Tensor4D,
          [batch, ...outputShape] as [number, number, number, number],
          [...stride] as [number, number],
          padding,
        );
  return bias ? add(spread, bias) : spread;
}
