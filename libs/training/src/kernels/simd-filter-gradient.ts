import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor, Tensor3D, TensorInfo } from '@tensorflow/tfjs-core';
import { pad, reshape, tidy } from '../tensorflow/tfjs.js';
import { valuesOf } from './heap.js';
import { BLOCK_COLUMNS, BLOCK_ROWS_MAX, blockName } from './simd/functions.js';
import type { SimdKernels } from './simd/instance.js';
import type { Window } from './window.js';

const VALUE_BYTES = 4;

/** Whether the fast way below can take this convolution: outputs fill whole vectors. */
export const fillsVectors = (filters: number): boolean => filters % 4 === 0;

/**
 * The filter's gradient of a 2-D convolution, straight from the image: no patches are written down. For one row of the
 * filter, the values under the window lie side by side in a row of the image, so ∂W[row] is a sum of outer products of
 * these with the output's gradients, over all positions. Each sample is added up by itself, while it is in the cache.
 */
export function simdFilterGradient(
  x: Tensor,
  dy: Tensor,
  filterShape: number[],
  window: Window,
  backend: BackendWasm,
  simd: SimdKernels,
): TensorInfo {
  const [KH, KW, C, filters] = filterShape as [number, number, number, number];
  const output = backend.makeOutput(filterShape, 'float32');
  valuesOf(backend, output).fill(0);
  tidy(() => {
    const image = padded(x, window);
    const [, PH, PW] = window.positions;
    const [, SH, SW] = window.stride;
    const [, height, width] = image.shape as [number, number, number, number];
    const [from, gradients, to] = [image, dy, output].map(({ dataId }) => backend.getMemoryOffset(dataId)) as [
      number,
      number,
      number,
    ];
    const bytes = {
      xStep: SW * C * VALUE_BYTES,
      xRowSkip: (SH * width - PW * SW) * C * VALUE_BYTES,
      dyStep: filters * VALUE_BYTES,
    };
    const blocks = blocksOf(KW * C, filters);
    for (let n = 0; n < window.batch; n++) {
      const sample = from + n * height * width * C * VALUE_BYTES;
      const sampleGradients = gradients + n * PH * PW * bytes.dyStep;
      for (let kh = 0; kh < KH; kh++) {
        for (const { name, row, column } of blocks) {
          simd[name]!(
            sample + (kh * width * C + row) * VALUE_BYTES,
            sampleGradients + column * VALUE_BYTES,
            to + ((kh * KW * C + row) * filters + column) * VALUE_BYTES,
            PH,
            PW,
            bytes.xStep,
            bytes.xRowSkip,
            bytes.dyStep,
            bytes.dyStep,
          );
        }
      }
    }
  });
  return output;
}

/** The image with zeros around it, so that every window lies inside. */
function padded(x: Tensor, { batch, input, size, positions, stride, before, channels }: Window): Tensor {
  const [top, left] = [before[1], before[2]];
  const [bottom, right] = ([1, 2] as const).map((axis) =>
    Math.max(0, (positions[axis] - 1) * stride[axis] + size[axis] - input[axis] - before[axis]),
  ) as [number, number];
  if (top + left + bottom + right === 0) return x;
  // Row by row: upstream pads the channels of each pixel by themselves, which is slow where they are few.
  const rows = reshape(x, [batch, input[1], input[2] * channels]) as Tensor3D;
  const around = pad(rows, [
    [0, 0],
    [top, bottom],
    [left * channels, right * channels],
  ]);
  return reshape(around, [batch, top + input[1] + bottom, left + input[2] + right, channels]);
}

interface Block {
  readonly name: string;
  readonly row: number;
  readonly column: number;
}

/** A matrix cut into the blocks that we have functions for; the columns are a multiple of four. */
export function blocksOf(rows: number, columns: number): readonly Block[] {
  const blocks: Block[] = [];
  for (let row = 0; row < rows; row += BLOCK_ROWS_MAX) {
    const height = Math.min(BLOCK_ROWS_MAX, rows - row);
    for (let column = 0; column < columns;) {
      const width = BLOCK_COLUMNS.find((candidate) => candidate <= columns - column)!;
      blocks.push({ name: blockName(height, width), row, column });
      column += width;
    }
  }
  return blocks;
}
