import { seededRandom } from '@consilium/stdx';
import type { Tensor, Tensor4D, Tensor5D } from '@tensorflow/tfjs-core';
import { engine, maxPool, maxPool3d, tensor, tidy } from '../tensorflow/tfjs.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';
import { eachMaximum } from './max-pool.js';
import { pool2dWindow, pool3dWindow, type Window } from './window.js';

beforeAll(() => activateBackend('wasm'));

const pools = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  sides: fc.tuple(fc.integer({ min: 3, max: 6 }), fc.integer({ min: 3, max: 6 }), fc.integer({ min: 3, max: 6 })),
  channels: fc.integer({ min: 1, max: 9 }),
  size: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 3 }),
  pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
  offset: fc.constantFrom(-100, 0, 100),
  seed: fc.nat(),
});

/** Whole numbers of which many are equal. */
function values(length: number, offset: number, seed: number): Float32Array {
  const random = seededRandom('test', seed);
  return Float32Array.from({ length }, () => offset + random.integer(7) - 3);
}

/** Maxima and, for gradients 1, 2, 3 …, where they go: looked for pixel by pixel. */
function byDefinition(input: Float32Array, window: Window): { maxima: number[]; gradient: number[] } {
  const {
    batch,
    channels: C,
    input: [D, H, W],
    size,
    positions: [PD, PH, PW],
    stride,
    before,
  } = window;
  const maxima: number[] = [];
  const gradient = new Array<number>(input.length).fill(0);
  for (let n = 0; n < batch; n++)
    for (let pd = 0; pd < PD; pd++)
      for (let ph = 0; ph < PH; ph++)
        for (let pw = 0; pw < PW; pw++)
          for (let c = 0; c < C; c++) {
            const places: number[] = [];
            for (let kd = 0; kd < size[0]; kd++)
              for (let kh = 0; kh < size[1]; kh++)
                for (let kw = 0; kw < size[2]; kw++) {
                  const [d, h, w] = [
                    pd * stride[0] - before[0] + kd,
                    ph * stride[1] - before[1] + kh,
                    pw * stride[2] - before[2] + kw,
                  ];
                  if (d < 0 || d >= D || h < 0 || h >= H || w < 0 || w >= W) continue;
                  places.push((((n * D + d) * H + h) * W + w) * C + c);
                }
            const maximum = Math.max(...places.map((place) => input[place]!));
            gradient[places.find((place) => input[place] === maximum)!]! += maxima.push(maximum);
          }
  return { maxima, gradient };
}

const counting = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i + 1);

describe('max-pooling', () => {
  it('of images and its gradient are what the definition says, with and without whole vectors of channels', () => {
    fc.assert(
      fc.property(pools, ({ batch, sides: [, height, width], channels, size, stride, pad, offset, seed }) => {
        tidy(() => {
          const shape: [number, number, number, number] = [batch, height, width, channels];
          const window = pool2dWindow(shape, [size, size], { strides: [stride, stride], pad });
          const input = values(batch * height * width * channels, offset, seed);
          const expected = byDefinition(input, window);
          const x = tensor(input, shape) as Tensor4D;
          const y = maxPool(x, size, stride, pad);
          expect([...y.dataSync()]).toEqual(expected.maxima);
          const inputs = { dy: tensor(counting(y.size), y.shape), input: x, output: y };
          const attrs = { filterSize: [size, size], strides: [stride, stride], pad };
          const gradient = engine().runKernel('MaxPoolGrad', inputs, attrs) as Tensor;
          expect([...gradient.dataSync()]).toEqual(expected.gradient);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('of volumes and its gradient are what the definition says', () => {
    fc.assert(
      fc.property(pools, ({ batch, sides, channels, size, stride, pad, offset, seed }) => {
        tidy(() => {
          const shape: [number, number, number, number, number] = [batch, ...sides, channels];
          const window = pool3dWindow(shape, [size, size, size], { strides: [stride, stride, stride], pad });
          const input = values(
            shape.reduce((product, length) => product * length),
            offset,
            seed,
          );
          const expected = byDefinition(input, window);
          const x = tensor(input, shape) as Tensor5D;
          const y = maxPool3d(x, size, stride, pad);
          expect([...y.dataSync()]).toEqual(expected.maxima);
          const inputs = { dy: tensor(counting(y.size), y.shape), input: x, output: y };
          const attrs = { filterSize: [size, size, size], strides: [stride, stride, stride], pad };
          const gradient = engine().runKernel('MaxPool3DGrad', inputs, attrs) as Tensor;
          expect([...gradient.dataSync()]).toEqual(expected.gradient);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('finds a place even where no value can be compared', () => {
    const window = pool2dWindow([1, 2, 2, 1], [2, 2], { strides: [2, 2], pad: 'valid' });
    const places: number[] = [];
    eachMaximum(new Float32Array(4).fill(NaN), window, (_position, _largest, place) => places.push(place[0]!));
    expect(places).toEqual([0]);
  });
});
