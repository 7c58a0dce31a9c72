import { unreachable } from '@consilium/stdx';
import type { Layer } from './graph.js';
import { sizeOf, type Shape } from './shapes.js';

/** One tensor of a layer: how it begins and whether training moves it. Moving statistics are only measured. */
export interface LayerTensor {
  readonly layer: string;
  /** `${layer}/kernel` and so on; unique in the graph, since layer names have no slash. */
  readonly name: string;
  readonly shape: Shape;
  /** All values the same, or drawn from a normal distribution around 0 with this standard deviation. */
  readonly initial: 'zeros' | 'ones' | { readonly stddev: number };
  readonly trainable: boolean;
}

type Part = Omit<LayerTensor, 'layer' | 'name'> & { readonly part: string };

/**
 * A layer's tensors in their fixed order, where `fed` is the shape of one sample that feeds it. Layouts are TensorFlow's:
 *
 * | layer | tensors |
 * |---|---|
 * | conv2d, conv3d | kernel [(depth,) height, width, in / groups, out], bias [out] |
 * | depthwise-conv2d | kernel [height, width, in, multiplier], bias [in · multiplier] |
 * | transposed-conv2d, transposed-conv3d | kernel [(depth,) height, width, out, in], bias [out] |
 * | dense | kernel [in, out], bias [out] |
 * | embedding | kernel [vocabulary, units] |
 * | attention | query_kernel [channels, channels], query_bias [channels]; the same for key, value and output |
 * | batch-norm | gamma, beta, moving_mean, moving_variance, each [channels] |
 * | group-norm, layer-norm | gamma, beta, each [channels] |
 */
export const layerTensors = (layer: Layer, fed: Shape): readonly LayerTensor[] =>
  parts(layer, fed).map(({ part, ...tensor }) => ({ layer: layer.name, name: `${layer.name}/${part}`, ...tensor }));

function parts(layer: Layer, fed: Shape): readonly Part[] {
  const channels = fed.at(-1)!;
  switch (layer.type) {
    case 'conv2d':
    case 'conv3d': {
      const kernel = [...layer.kernel, channels / layer.groups, layer.filters];
      return kernelAndBias(kernel, sizeOf(kernel.slice(0, -1)), layer.bias, layer.filters);
    }
    case 'depthwise-conv2d': {
      const { kernel, multiplier, bias } = layer;
      return kernelAndBias([...kernel, channels, multiplier], sizeOf(kernel), bias, channels * multiplier);
    }
    case 'transposed-conv2d':
    case 'transposed-conv3d': {
      const { kernel, stride, filters, bias } = layer;
      // Neighbouring windows overlap by kernel / stride, so that many of them reach one output.
      const reaching = Math.max(1, sizeOf(kernel) / sizeOf(stride));
      return kernelAndBias([...kernel, filters, channels], reaching * channels, bias, filters);
    }
    case 'dense':
      return kernelAndBias([channels, layer.units], channels, layer.bias, layer.units);
    case 'embedding':
      // As torch draws N(0, 1) and Keras U(±0.05), between which the spread is a matter of habit; small starts gently.
      return [learnt('kernel', [layer.vocabulary, layer.units], { stddev: 0.05 })];
    case 'attention':
      return ['query', 'key', 'value', 'output'].flatMap((role) => [
        // Linear, so the variance of Glorot and Bengio (2010): 2 / (in + out).
        learnt(`${role}_kernel`, [channels, channels], { stddev: Math.sqrt(1 / channels) }),
        learnt(`${role}_bias`, [channels], 'zeros'),
      ]);
    case 'batch-norm':
      return [
        ...scaleAndShift(channels),
        { part: 'moving_mean', shape: [channels], initial: 'zeros', trainable: false },
        { part: 'moving_variance', shape: [channels], initial: 'ones', trainable: false },
      ];
    case 'group-norm':
    case 'layer-norm':
      return scaleAndShift(channels);
    case 'input':
    case 'max-pool2d':
    case 'average-pool2d':
    case 'max-pool3d':
    case 'average-pool3d':
    case 'global-average-pool':
    case 'global-max-pool':
    case 'upsample2d':
    case 'upsample3d':
    case 'flatten':
    case 'reshape':
    case 'dropout':
    case 'activation':
    case 'add':
    case 'multiply':
    case 'concat':
      return [];
    default:
      return unreachable(layer);
  }
}

const learnt = (part: string, shape: Shape, initial: LayerTensor['initial']): Part => ({
  part,
  shape,
  initial,
  trainable: true,
});

const scaleAndShift = (channels: number): readonly Part[] => [
  learnt('gamma', [channels], 'ones'),
  learnt('beta', [channels], 'zeros'),
];

/**
 * Kernels are drawn with variance 2 / fan-in (He et al. 2015, “Delving Deep into Rectifiers”, eq. 10; not truncated),
 * where fan-in counts the inputs of one output.
 */
const kernelAndBias = (kernel: Shape, fanIn: number, bias: boolean, outputs: number): readonly Part[] => [
  learnt('kernel', kernel, { stddev: Math.sqrt(2 / fanIn) }),
  ...(bias ? [learnt('bias', [outputs], 'zeros')] : []),
];
