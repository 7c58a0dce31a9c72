import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { avgPool, batchNorm, grad, grads, matMul, tensor, tidy } from '../tensorflow/tfjs.js';
import { seededRandom } from '@consilium/stdx';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';

const normal = (shape: number[], label: string): Tensor => {
  const random = seededRandom('test', label);
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(Float32Array.from({ length: size }, random.normal), shape);
};

describe.each(['cpu', 'wasm'] as const)('on %s', (backend) => {
  beforeAll(() => activateBackend(backend));

  it('the gradient of an average over the border is shared by the values that exist', () => {
    // A 3 × 3 window with stride 2 over 2 × 2 values sees four of them, at its only position.
    const gradient = tidy(() => [
      ...grad((x) => avgPool(x as Tensor4D, 3, 2, 'same'))(
        tensor([1, 2, 3, 4], [1, 2, 2, 1]),
        tensor([8], [1, 1, 1, 1]),
      ).dataSync(),
    ]);
    expect(gradient).toEqual([2, 2, 2, 2]);
  });

  it('the gradient of an average gives back all that came, whatever the padding', () => {
    const shapes = fc.record({
      side: fc.integer({ min: 3, max: 8 }),
      size: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
      pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
    });
    fc.assert(
      fc.property(shapes, ({ side, size, stride, pad }) => {
        tidy(() => {
          const x = normal([2, side, side, 3], 'x') as Tensor4D;
          const dy = normal(avgPool(x, size, stride, pad).shape, 'dy');
          const total = (values: Tensor): number => values.dataSync<'float32'>().reduce((sum, value) => sum + value, 0);
          expect(total(grad((input) => avgPool(input as Tensor4D, size, stride, pad))(x, dy))).toBeCloseTo(
            total(dy),
            3,
          );
        });
      }),
      { numRuns: 30 },
    );
  });

  it('the gradients of batch norm with given statistics are those of the formula', () => {
    tidy(() => {
      const x = tensor([1, 2, 5], [3, 1, 1, 1]) as Tensor4D;
      const given = [[2], [3.75], [10], [0.5]].map((value) => tensor(value)) as [
        Tensor1D,
        Tensor1D,
        Tensor1D,
        Tensor1D,
      ];
      const dy = tensor([1, 2, -1], [3, 1, 1, 1]);
      const norm = (...[input, mean, variance, offset, scale]: Tensor[]): Tensor =>
        batchNorm(
          input as Tensor4D,
          mean as Tensor1D,
          variance as Tensor1D,
          offset as Tensor1D,
          scale as Tensor1D,
          0.25,
        );
      const came = grads(norm)([x, ...given], dy).map((gradient) => [...gradient.dataSync()]);
      // √(3.75 + 0.25) = 2, so k = scale / 2 = ¼; Σ∂y = 2; Σ∂y·(x − mean) = −1 + 0 − 3 = −4.
      const [dx, dMean, dVariance, dOffset, dScale] = came as [number[], number[], number[], number[], number[]];
      expect(dx).toEqual([0.25, 0.5, -0.25]);
      expect(dMean[0]).toBeCloseTo(-0.5, 6);
      expect(dVariance[0]).toBeCloseTo((-0.5 * 0.25 * -4) / 4, 6);
      expect(dOffset[0]).toBeCloseTo(2, 6);
      expect(dScale[0]).toBeCloseTo(-2, 6);
    });
  });

  it('a product of matrices is the same with factors that come transposed', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
    );
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.boolean(), ([rows, inner, columns], transposeA, transposeB) => {
        tidy(() => {
          const a = normal(transposeA ? [inner, rows] : [rows, inner], 'a');
          const b = normal(transposeB ? [columns, inner] : [inner, columns], 'b');
          const [left, right] = [a.dataSync(), b.dataSync()];
          const product = matMul(a, b, transposeA, transposeB);
          expect(product.shape).toEqual([rows, columns]);
          product.dataSync().forEach((value, at) => {
            const [row, column] = [Math.floor(at / columns), at % columns];
            let sum = 0;
            for (let i = 0; i < inner; i++) {
              sum +=
                left[transposeA ? i * rows + row : row * inner + i]! *
                right[transposeB ? column * inner + i : i * columns + column]!;
            }
            expect(value).toBeCloseTo(sum, 4);
          });
        });
      }),
      { numRuns: 40 },
    );
  });
});
