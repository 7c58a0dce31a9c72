import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { replacement, valuesOf, type KernelCall } from './heap.js';
import { simdMaxPoolGradient } from './simd-max-pool.js';
import { simdOf } from './simd/instance.js';
import { pool2dWindow, pool3dWindow, type Window, type WindowAttrs } from './window.js';

type Call3d = KernelCall<{ x: Tensor }, WindowAttrs & { filterSize: [number, number, number] }>;
type GradientCall<Size> = KernelCall<{ dy: Tensor; input: Tensor; output: Tensor }, WindowAttrs & { filterSize: Size }>;

/*
 * Upstream: MaxPool3D, MaxPool3DGrad and MaxPoolGrad look for the maximum from `numeric_limits<float>::min()` on, which
 * is the smallest positive float and not the lowest one (cc/kernels/MaxPoolGrad.cc, cc/pool3d_impl.h). A window
 * without a positive value therefore has the maximum 1e-38 and passes no gradient on, silently.
 */

export const maxPool3d = replacement('MaxPool3D', ({ inputs: { x }, attrs, backend }: Call3d): TensorInfo => {
  const window = pool3dWindow(x.shape, attrs.filterSize, attrs);
  const output = backend.makeOutput([window.batch, ...window.positions, window.channels], 'float32');
  const maxima = valuesOf(backend, output);
  eachMaximum(valuesOf(backend, x), window, (position, largest) => maxima.set(largest, position));
  return output;
});

export const maxPool2dGradient = replacement(
  'MaxPoolGrad',
  ({ inputs: { dy, input, output }, attrs, backend }: GradientCall<[number, number]>) => {
    const window = pool2dWindow(input.shape, attrs.filterSize, attrs);
    const simd = window.channels % 4 === 0 ? simdOf(backend) : null;
    return simd ? simdMaxPoolGradient(dy, input, output, window, backend, simd) : gradient(dy, input, window, backend);
  },
);

export const maxPool3dGradient = replacement(
  'MaxPool3DGrad',
  ({ inputs: { dy, input }, attrs, backend }: GradientCall<[number, number, number]>) =>
    gradient(dy, input, pool3dWindow(input.shape, attrs.filterSize, attrs), backend),
);

function gradient(dy: Tensor, input: Tensor, window: Window, backend: BackendWasm): TensorInfo {
  const output = backend.makeOutput(input.shape, 'float32');
  toMaxima(valuesOf(backend, dy), valuesOf(backend, input), window, valuesOf(backend, output));
  return output;
}

/** Each position's gradient belongs to the first largest value of its window. */
export function toMaxima(dy: Float32Array, input: Float32Array, window: Window, dx: Float32Array): void {
  dx.fill(0);
  eachMaximum(input, window, (position, largest, places) => {
    for (let c = 0; c < largest.length; c++) dx[places[c]! + c] = dx[places[c]! + c]! + dy[position + c]!;
  });
}

/**
 * Visits the window's positions in order, with the offset of the position in the output, and for each channel the
 * largest value and the offset of the pixel that has it, the first of equals. The arrays are used again.
 */
export function eachMaximum(
  input: Float32Array,
  {
    batch,
    channels: C,
    input: [D, H, W],
    size: [KD, KH, KW],
    positions: [PD, PH, PW],
    stride: [SD, SH, SW],
    before: [BD, BH, BW],
  }: Window,
  visit: (position: number, largest: Float32Array, places: Int32Array) => void,
): void {
  const largest = new Float32Array(C);
  const places = new Int32Array(C);
  let position = 0;
  for (let n = 0; n < batch; n++) {
    for (let pd = 0; pd < PD; pd++) {
      const d0 = Math.max(0, pd * SD - BD);
      const d1 = Math.min(D, pd * SD - BD + KD);
      for (let ph = 0; ph < PH; ph++) {
        const h0 = Math.max(0, ph * SH - BH);
        const h1 = Math.min(H, ph * SH - BH + KH);
        for (let pw = 0; pw < PW; pw++, position += C) {
          const w0 = Math.max(0, pw * SW - BW);
          const w1 = Math.min(W, pw * SW - BW + KW);
          largest.fill(-Infinity);
          places.fill((((n * D + d0) * H + h0) * W + w0) * C);
          for (let d = d0; d < d1; d++) {
            for (let h = h0; h < h1; h++) {
              let pixel = (((n * D + d) * H + h) * W + w0) * C;
              for (let w = w0; w < w1; w++, pixel += C) {
                for (let c = 0; c < C; c++) {
                  const value = input[pixel + c]!;
                  if (value > largest[c]!) {
                    largest[c] = value;
                    places[c] = pixel;
                  }
                }
              }
            }
          }
          visit(position, largest, places);
        }
      }
    }
  }
}
