import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Tensor } from '@tensorflow/tfjs-core';
import { backend, engine, tensor, tidy } from '../tensorflow/tfjs.js';
import { seededRandom } from '@consilium/stdx';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';
import { blocksOf } from './simd-filter-gradient.js';
import { simdOf } from './simd/instance.js';

beforeAll(() => activateBackend('wasm'));

const wholeTensor = (shape: number[], seed: number): Tensor => {
  const random = seededRandom('test', seed);
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, () => random.integer(9) - 4),
    shape,
  );
};

/** The definition: each tap of the filter together with each output, over all positions. */
function byDefinition(
  x: Tensor,
  dy: Tensor,
  filterShape: number[],
  stride: number,
  before: [number, number],
): number[] {
  const [N, PH, PW, F] = dy.shape as [number, number, number, number];
  const [, H, W, C] = x.shape as [number, number, number, number];
  const [KH, KW] = filterShape as [number, number];
  const [image, gradients] = [x.dataSync(), dy.dataSync()];
  const sums = new Array<number>(KH * KW * C * F).fill(0);
  for (let n = 0; n < N; n++)
    for (let ph = 0; ph < PH; ph++)
      for (let pw = 0; pw < PW; pw++)
        for (let kh = 0; kh < KH; kh++)
          for (let kw = 0; kw < KW; kw++) {
            const [h, w] = [ph * stride - before[0] + kh, pw * stride - before[1] + kw];
            if (h < 0 || h >= H || w < 0 || w >= W) continue;
            for (let c = 0; c < C; c++)
              for (let f = 0; f < F; f++)
                sums[((kh * KW + kw) * C + c) * F + f]! +=
                  image[((n * H + h) * W + w) * C + c]! * gradients[((n * PH + ph) * PW + pw) * F + f]!;
          }
  return sums;
}

const shapes = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  height: fc.integer({ min: 3, max: 7 }),
  width: fc.integer({ min: 3, max: 7 }),
  channels: fc.integer({ min: 1, max: 9 }),
  // With and without whole vectors, so both ways are taken.
  filters: fc.constantFrom(1, 3, 4, 6, 8, 12, 20),
  kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  stride: fc.integer({ min: 1, max: 3 }),
  same: fc.boolean(),
});

describe('the gradient of a filter', () => {
  it('is its definition, to the last bit where numbers are whole', () => {
    fc.assert(
      fc.property(shapes, ({ batch, height, width, channels, filters, kernel: [kh, kw], stride, same }) => {
        const out = (length: number, size: number): number => Math.ceil((same ? length : length - size + 1) / stride);
        const [ph, pw] = [out(height, kh), out(width, kw)];
        // TensorFlow's `same`: as little padding as is needed, the smaller half before.
        const before = (length: number, size: number, positions: number): number =>
          same ? Math.floor(Math.max(0, (positions - 1) * stride + size - length) / 2) : 0;
        tidy(() => {
          const x = wholeTensor([batch, height, width, channels], 1);
          const dy = wholeTensor([batch, ph, pw, filters], 2);
          const filterShape = [kh, kw, channels, filters];
          const attrs = { strides: [stride, stride], pad: same ? 'same' : 'valid', dataFormat: 'NHWC', filterShape };
          const came = engine().runKernel('Conv2DBackpropFilter', { x, dy }, attrs) as Tensor;
          expect(came.shape).toEqual(filterShape);
          const padding: [number, number] = [before(height, kh, ph), before(width, kw, pw)];
          expect([...came.dataSync()]).toEqual(byDefinition(x, dy, filterShape, stride, padding));
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe('blocks', () => {
  it('cover every value once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 9 }), (rows, quarter) => {
        const columns = 4 * quarter;
        const covered = new Array<number>(rows * columns).fill(0);
        for (const { name, row, column } of blocksOf(rows, columns)) {
          const [, height, width] = /(\d+)x(\d+)$/.exec(name)!.map(Number) as [number, number, number];
          for (let i = row; i < row + height; i++)
            for (let j = column; j < column + width; j++) covered[i * columns + j]!++;
        }
        expect(covered).toEqual(new Array<number>(rows * columns).fill(1));
      }),
    );
  });
});

describe('the functions of a backend', () => {
  it('are made once', () => {
    const wasm = backend() as BackendWasm;
    expect(simdOf(wasm)).not.toBeNull();
    expect(simdOf(wasm)).toBe(simdOf(wasm));
  });

  it('are not to be had where the memory is not', () => {
    expect(simdOf({ wasm: {} } as BackendWasm)).toBeNull();
  });
});
