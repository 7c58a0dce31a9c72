/**
 * What PyTorch 2.15.0 computes in float64 (torch.nn.functional: conv2d, conv3d, conv_transpose2d/3d, group_norm,
 * layer_norm, avg_pool3d, interpolate, gelu, silu, multi_head_attention_forward), with its axes put in our order and
 * TensorFlow's padding done by hand. Inputs and tensors are ramps, see `ramp`; attention's kernels are the ramp times 1,
 * ½, −1 and 2 for query, key, value and output.
 */
export interface Golden {
  readonly name: string;
  readonly layer: Readonly<Record<string, unknown>>;
  readonly shape: readonly number[];
  readonly output: readonly number[];
}

/** Values from −1 to 1 in steps of 2 / (modulus − 1), jumping by `step`: inputs 7 of 11, kernels 5 of 13, biases 3 of 7. */
export const ramp = (length: number, step: number, modulus: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => (((i * step) % modulus) / (modulus - 1)) * 2 - 1);

export const GOLDEN: readonly Golden[] = [
  {
    name: 'a dilated convolution',
    layer: { type: 'conv2d', filters: 2, kernel: [2, 3], dilation: [2, 1] },
    shape: [3, 4, 2],
    output: [
      0.03333333, -1.0, -2.033333, 0.8333333, -1.066667, -0.9333333, -1.266667, -0.5666667, 1.066667, -2.333333,
      -1.633333, 1.033333, -1.333333, 0.1, -0.1666667, 0.1333333, -2.0, 0.0, -0.1666667, -0.7666667, -1.933333, 0.8,
      -1.566667, 1.3,
    ],
  },
  {
    name: 'a strided convolution',
    layer: { type: 'conv2d', filters: 2, kernel: [3, 3], stride: [2, 2] },
    shape: [5, 4, 2],
    output: [
      -0.3333333, -0.8333333, -0.4666667, -0.7333333, -2.033333, -0.6666667, -1.1, 1.666667, -0.4333333, -1.633333,
      -0.6333333, -1.866667,
    ],
  },
  {
    name: 'a grouped convolution',
    layer: { type: 'conv2d', filters: 4, kernel: [2, 2], groups: 2, padding: 'valid' },
    shape: [3, 3, 4],
    output: [
      0.06666667, 0.8333333, 1.933333, -0.9333333, -0.06666667, -1.666667, 2.6, -1.533333, -0.3333333, -1.9, 2.833333,
      -1.266667, -1.933333, 1.833333, -0.9, 0.3333333,
    ],
  },
  {
    name: 'a convolution with a group for each channel',
    layer: { type: 'conv2d', filters: 4, kernel: [2, 2], groups: 2 },
    shape: [2, 3, 2],
    output: [
      -1.0, 0.5666667, 0.8333333, 0.3, 0.03333333, 0.4666667, 2.533333, -2.266667, -1.033333, -0.03333333, -0.2333333,
      0.5666667, -1.933333, -0.9333333, 0.8, -0.03333333, -0.2333333, -0.06666667, 1.733333, -1.233333, -0.8,
      0.03333333, 0.3333333, 0.3333333,
    ],
  },
  {
    name: 'a dilated and grouped convolution in space',
    layer: { type: 'conv3d', filters: 2, kernel: [2, 2, 1], dilation: [1, 2, 1], groups: 2 },
    shape: [2, 3, 2, 2],
    output: [
      -0.6666667, 0.8, -0.4666667, -0.4, -0.6666667, -0.9666667, -0.2333333, 0.9, -1.3, 0.9, -1.8, -0.8, -1.4,
      -0.5333333, -1.0, 0.5333333, -1.0, 0.2, -2.666667, -0.3, -0.4, -0.1333333, -1.0, 0.1333333,
    ],
  },
  {
    name: 'a depthwise convolution',
    layer: { type: 'depthwise-conv2d', kernel: [3, 2], multiplier: 2 },
    shape: [3, 3, 2],
    output: [
      -1.233333, 1.2, 1.166667, 0.6333333, -0.1666667, -0.1666667, 2.533333, -2.266667, -1.033333, -0.03333333, -0.5,
      0.3, -0.7666667, -0.2, 0.4333333, 0.6, -0.9333333, 1.133333, 2.733333, -1.666667, -0.6333333, -0.1333333,
      0.5666667, 0.3, -1.933333, -1.933333, 0.4333333, 0.3, -1.266667, 0.5333333, 1.766667, -0.8, -0.3, 0.03333333, 1.0,
      -0.06666667,
    ],
  },
  {
    name: 'a strided depthwise convolution',
    layer: { type: 'depthwise-conv2d', kernel: [3, 3], stride: [2, 2] },
    shape: [4, 5, 2],
    output: [-0.6666667, 0.8666667, -2.2, -0.2, -2.2, 0.6, -0.2666667, 1.033333, 0.3333333, -1.933333, -0.5, 0.2],
  },
  {
    name: 'a transposed convolution',
    layer: { type: 'transposed-conv2d', filters: 2, kernel: [3, 2], stride: [2, 2] },
    shape: [2, 2, 2],
    output: [
      -0.06666667, -0.9333333, -0.7666667, 0.5333333, -0.7666667, -0.9333333, -0.06666667, 0.6333333, -0.1666667,
      -1.033333, -1.733333, 0.4333333, -0.6666667, -0.8333333, -2.133333, 0.7333333, -0.3666667, -0.6, -2.4,
      -0.03333333, -1.366667, -0.2, -1.9, 0.5666667, -1.166667, 0.4666667, -0.3333333, -0.4333333, -1.666667, 0.6666667,
      -0.7333333, -0.1333333,
    ],
  },
  {
    name: 'a transposed convolution without padding',
    layer: { type: 'transposed-conv2d', filters: 1, kernel: [3, 3], stride: [2, 1], padding: 'valid' },
    shape: [2, 3, 2],
    output: [
      -0.06666667, -1.7, -1.8, 0.4666667, -1.566667, -0.4666667, 0.4666667, -2.066667, -2.0, -0.5333333, -2.533333,
      -0.4666667, 0.7, 0.0, -2.266667, -1.266667, -1.1, -0.1, -1.8, -0.6666667, -0.7333333, -2.0, -0.06666667, -1.0,
      -1.033333,
    ],
  },
  {
    name: 'a transposed convolution whose windows leave gaps',
    layer: { type: 'transposed-conv2d', filters: 1, kernel: [1, 2], stride: [2, 3], padding: 'valid' },
    shape: [2, 2, 2],
    output: [
      -0.06666667, -1.933333, -1.0, -0.7666667, -1.933333, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.1, -0.4666667,
      -1.0, -1.8, -0.4666667, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0,
    ],
  },
  {
    name: 'a transposed convolution in space',
    layer: { type: 'transposed-conv3d', filters: 1, kernel: [2, 3, 2], stride: [2, 2, 1] },
    shape: [1, 2, 3, 2],
    output: [
      -0.06666667, -1.7, -2.033333, -0.7666667, 0.4666667, -0.9333333, -0.9666667, -0.4666667, -2.566667, -0.8666667,
      -0.8, -1.466667, -1.733333, -1.7, 0.4, -0.2666667, -1.7, -1.966667, -1.566667, -2.7, 1.9, -1.533333, 0.4333333,
      -2.033333,
    ],
  },
  {
    name: 'dense along the last axis',
    layer: { type: 'dense', units: 2 },
    shape: [3, 4],
    output: [-0.1333333, 0.0, -1.466667, 1.166667, 0.5, -0.9666667],
  },
  {
    name: 'group norm',
    layer: { type: 'group-norm', groups: 2, epsilon: 0.001 },
    shape: [2, 2, 4],
    output: [
      0.4609643, -0.157555, 0.4319429, -1.148372, -1.601574, 0.1289086, 1.617453, -0.1604464, 0.117208, -0.2148477,
      0.629528, 0.827479, -1.94533, 0.07161589, 1.815038, -0.3580315,
    ],
  },
  {
    name: 'layer norm',
    layer: { type: 'layer-norm', epsilon: 0.001 },
    shape: [3, 4],
    output: [
      0.3119338, -0.08746226, 0.650151, -1.207956, -1.199601, 0.2328681, 1.931472, -0.2002659, -0.2780336, -0.2540252,
      1.160437, 0.3618936,
    ],
  },
  {
    name: 'average pooling in space',
    layer: { type: 'average-pool3d', size: [3, 1, 3], stride: [2, 1, 2], padding: 'same' },
    shape: [3, 2, 5, 1],
    output: [-0.45, 0.0, 0.45, -0.05, 0.03333333, -0.25, -0.2, -0.3, 0.15, 0.2, 0.1, 0.0],
  },
  {
    name: 'bilinear upsampling',
    layer: { type: 'upsample2d', size: [2, 3], method: 'bilinear' },
    shape: [2, 3, 1],
    output: [
      -1.0, -1.0, -0.5333333, -0.06666667, 0.4, 0.1333333, -0.1333333, -0.4, -0.4, -0.5, -0.5, -0.2166667, 0.06666667,
      0.35, 0.08333333, -0.1833333, -0.45, -0.45, 0.5, 0.5, 0.4166667, 0.3333333, 0.25, -0.01666667, -0.2833333, -0.55,
      -0.55, 1.0, 1.0, 0.7333333, 0.4666667, 0.2, -0.06666667, -0.3333333, -0.6, -0.6,
    ],
  },
  {
    name: 'upsampling to the nearest',
    layer: { type: 'upsample2d', size: [3, 2] },
    shape: [2, 2, 2],
    output: [
      -1.0, 0.4, -1.0, 0.4, -0.4, 1.0, -0.4, 1.0, -1.0, 0.4, -1.0, 0.4, -0.4, 1.0, -0.4, 1.0, -1.0, 0.4, -1.0, 0.4,
      -0.4, 1.0, -0.4, 1.0, 0.2, -0.6, 0.2, -0.6, 0.8, 0.0, 0.8, 0.0, 0.2, -0.6, 0.2, -0.6, 0.8, 0.0, 0.8, 0.0, 0.2,
      -0.6, 0.2, -0.6, 0.8, 0.0, 0.8, 0.0,
    ],
  },
  {
    name: 'upsampling in space',
    layer: { type: 'upsample3d', size: [1, 2, 2] },
    shape: [2, 2, 2, 1],
    output: [
      -1.0, -1.0, 0.4, 0.4, -1.0, -1.0, 0.4, 0.4, -0.4, -0.4, 1.0, 1.0, -0.4, -0.4, 1.0, 1.0, 0.2, 0.2, -0.6, -0.6, 0.2,
      0.2, -0.6, -0.6, 0.8, 0.8, 0.0, 0.0, 0.8, 0.8, 0.0, 0.0,
    ],
  },
  {
    name: 'gelu',
    layer: { type: 'activation', function: 'gelu' },
    shape: [11],
    output: [
      -0.1586553, 0.2621687, -0.1378313, 0.8413447, 0.1158519, -0.1645519, 0.6305157, 0.0, -0.1694843, 0.4354481,
      -0.08414806,
    ],
  },
  {
    name: 'silu',
    layer: { type: 'activation', function: 'silu' },
    shape: [11],
    output: [
      -0.2689414, 0.2394751, -0.1605249, 0.7310586, 0.1099668, -0.2126062, 0.5519796, 0.0, -0.2480204, 0.3873938,
      -0.0900332,
    ],
  },
  {
    name: 'attention',
    layer: { type: 'attention', heads: 2 },
    shape: [3, 4],
    output: [
      -1.401111, 3.064919, 2.187444, -1.654978, -0.2854346, 0.3721334, 0.6295276, 0.5856485, -0.6032793, -0.181467,
      1.777404, -1.215552,
    ],
  },
];
