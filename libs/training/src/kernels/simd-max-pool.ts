import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { valuesOf } from './heap.js';
import type { SimdKernels } from './simd/instance.js';
import type { Window } from './window.js';

const VALUE_BYTES = 4;

/**
 * The gradient of a 2-D max-pool, four channels at a time; channels are a multiple of four. It compares with the
 * pool's output, so there is no search and no branch to guess wrongly.
 */
export function simdMaxPoolGradient(
  dy: Tensor,
  input: Tensor,
  maxima: Tensor,
  {
    batch,
    channels,
    input: [, H, W],
    size: [, KH, KW],
    positions: [, PH, PW],
    stride: [, SH, SW],
    before: [, BH, BW],
  }: Window,
  backend: BackendWasm,
  simd: SimdKernels,
): TensorInfo {
  const output = backend.makeOutput(input.shape, 'float32');
  valuesOf(backend, output).fill(0);
  const [x, dx, maximum, gradient] = [input, output, maxima, dy].map(({ dataId }) =>
    backend.getMemoryOffset(dataId),
  ) as [number, number, number, number];
  const scatter = simd['scatterToMaximum']!;
  const pixelStep = channels * VALUE_BYTES;
  let position = 0;
  for (let n = 0; n < batch; n++) {
    for (let ph = 0; ph < PH; ph++) {
      const h0 = Math.max(0, ph * SH - BH);
      const rows = Math.min(H, ph * SH - BH + KH) - h0;
      for (let pw = 0; pw < PW; pw++, position += pixelStep) {
        const w0 = Math.max(0, pw * SW - BW);
        const columns = Math.min(W, pw * SW - BW + KW) - w0;
        const first = ((n * H + h0) * W + w0) * pixelStep;
        const rowSkip = (W - columns) * pixelStep;
        scatter(
          x + first,
          dx + first,
          maximum + position,
          gradient + position,
          channels / 4,
          rows,
          columns,
          pixelStep,
          rowSkip,
        );
      }
    }
  }
  return output;
}
