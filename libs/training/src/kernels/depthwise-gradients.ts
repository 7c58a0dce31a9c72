import type { Tensor } from '@tensorflow/tfjs-core';
import { replacement, valuesOf, type KernelCall } from './heap.js';
import { conv2dWindow, type Window, type WindowAttrs } from './window.js';

type FilterCall = KernelCall<{ x: Tensor; dy: Tensor }, WindowAttrs & { filterShape: number[] }>;
type InputCall = KernelCall<{ dy: Tensor; filter: Tensor }, WindowAttrs & { inputShape: number[] }>;

/** Upstream: the `wasm` backend has neither gradient of a depthwise convolution, so MobileNets cannot be trained on it. */
export const depthwiseFilterGradient = replacement(
  'DepthwiseConv2dNativeBackpropFilter',
  ({ inputs: { x, dy }, attrs, backend }: FilterCall) => {
    const output = backend.makeOutput(attrs.filterShape, 'float32');
    const [input, gradients] = [valuesOf(backend, x), valuesOf(backend, dy)];
    const window = conv2dWindow(x.shape, attrs.filterShape, attrs);
    const [C, M] = [window.channels, attrs.filterShape[3]!];
    // Sums over a whole batch, so in float64.
    const sums = new Float64Array(attrs.filterShape.reduce((product, length) => product * length, 1));
    eachTap(window, (tap, pixel, position) => {
      let weight = tap * C * M;
      let gradient = position * C * M;
      for (let c = 0; c < C; c++) {
        const value = input[pixel * C + c]!;
        for (let m = 0; m < M; m++, weight++, gradient++) sums[weight]! += value * gradients[gradient]!;
      }
    });
    valuesOf(backend, output).set(sums);
    return output;
  },
);

export const depthwiseInputGradient = replacement(
  'DepthwiseConv2dNativeBackpropInput',
  ({ inputs: { dy, filter }, attrs, backend }: InputCall) => {
    const output = backend.makeOutput(attrs.inputShape, 'float32');
    const [gradients, weights] = [valuesOf(backend, dy), valuesOf(backend, filter)];
    const result = valuesOf(backend, output);
    result.fill(0);
    const window = conv2dWindow(attrs.inputShape, filter.shape, attrs);
    const [C, M] = [window.channels, filter.shape[3]!];
    eachTap(window, (tap, pixel, position) => {
      let weight = tap * C * M;
      let gradient = position * C * M;
      for (let c = 0; c < C; c++) {
        let sum = 0;
        for (let m = 0; m < M; m++, weight++, gradient++) sum += weights[weight]! * gradients[gradient]!;
        result[pixel * C + c]! += sum;
      }
    });
    return output;
  },
);

/** Visits each element of the window at each of its positions where it lies inside the image, all counted over the batch. */
function eachTap(
  { batch, input: [, H, W], size: [, KH, KW], positions: [, PH, PW], stride: [, SH, SW], before: [, BH, BW] }: Window,
  visit: (tap: number, pixel: number, position: number) => void,
): void {
  let position = 0;
  for (let n = 0; n < batch; n++) {
    for (let ph = 0; ph < PH; ph++) {
      for (let pw = 0; pw < PW; pw++, position++) {
        for (let kh = 0; kh < KH; kh++) {
          const h = ph * SH - BH + kh;
          if (h < 0 || h >= H) continue;
          for (let kw = 0; kw < KW; kw++) {
            const w = pw * SW - BW + kw;
            if (w >= 0 && w < W) visit(kh * KW + kw, (n * H + h) * W + w, position);
          }
        }
      }
    }
  }
}
