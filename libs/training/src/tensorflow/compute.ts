import type { Layer } from '@consilium/model';
import { unreachable } from '@consilium/stdx';
import type { Tensor } from '@tensorflow/tfjs-core';
import { add, concat, mul, reshape } from './tfjs.js';
import type { Compute, Weight } from './graph-layer.js';
import { ACTIVATIONS } from './layers/activation.js';
import { attention } from './layers/attention.js';
import { convolution, depthwiseConvolution } from './layers/convolution.js';
import { dense } from './layers/dense.js';
import { embedding } from './layers/embedding.js';
import { groupNorm, layerNorm } from './layers/normalisation.js';
import { averagePooling, globalAveragePooling, globalMaxPooling, maxPooling } from './layers/pooling.js';
import { transposedConvolution } from './layers/transposed-convolution.js';
import { upsampling } from './layers/upsampling.js';

type Computed = Exclude<Layer, { type: 'input' | 'batch-norm' | 'dropout' }>;

/**
 * What a layer computes. It is what engines of TensorFlow.js train with and what the self-test puts to the test.
 *
 * @param outputShape of one sample
 */
export function computeOf(layer: Computed, outputShape: readonly number[]): Compute {
  switch (layer.type) {
    case 'conv2d':
    case 'conv3d':
      return ([x], weight) => convolution(x!, weight('kernel'), biasOf(layer, weight), layer, layer.groups);
    case 'depthwise-conv2d':
      return ([x], weight) => depthwiseConvolution(x!, weight('kernel'), biasOf(layer, weight), layer);
    case 'transposed-conv2d':
    case 'transposed-conv3d': {
      const { stride, padding } = layer;
      return ([x], weight) =>
        transposedConvolution(x!, weight('kernel'), biasOf(layer, weight), stride, padding, outputShape);
    }
    case 'dense':
      return ([x], weight) => dense(x!, weight('kernel'), biasOf(layer, weight));
    case 'embedding':
      return ([x], weight) => embedding(x!, weight('kernel'));
    case 'attention':
      return ([x], weight) => attention(x!, layer.heads, weight);
    case 'group-norm':
      return ([x], weight) => groupNorm(x!, weight('gamma'), weight('beta'), layer.groups, layer.epsilon);
    case 'layer-norm':
      return ([x], weight) => layerNorm(x!, weight('gamma'), weight('beta'), layer.epsilon);
    case 'max-pool2d':
    case 'max-pool3d':
      return ([x]) => maxPooling(x!, layer);
    case 'average-pool2d':
    case 'average-pool3d':
      return ([x]) => averagePooling(x!, layer);
    case 'global-average-pool':
      return ([x]) => globalAveragePooling(x!);
    case 'global-max-pool':
      return ([x]) => globalMaxPooling(x!);
    case 'upsample2d':
    case 'upsample3d':
      return ([x]) => upsampling(x!, layer.size, layer.method);
    case 'flatten':
    case 'reshape':
      return ([x]) => reshape(x!, [x!.shape[0]!, ...outputShape]);
    case 'activation':
      return ([x]) => ACTIVATIONS[layer.function](x!);
    case 'add':
      return (inputs) => inputs.reduce((sum, x) => add(sum, x));
    case 'multiply':
      return ([x, factor]) => mul(x!, channelwise(factor!, x!));
    case 'concat':
      return (inputs) => concat([...inputs], -1);
    default:
      return unreachable(layer);
  }
}

const biasOf = ({ bias }: { readonly bias: boolean }, weight: Weight): Tensor | undefined =>
  bias ? weight('bias') : undefined;

/** A factor for each channel of each sample, [batch, channels], in as many axes as `x` has. */
const channelwise = (factor: Tensor, x: Tensor): Tensor =>
  factor.rank === x.rank ? factor : reshape(factor, [x.shape[0]!, ...x.shape.slice(1, -1).map(() => 1), -1]);
