import type { GradConfig, NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';
import { engine, mul, tensor } from '../tensorflow/tfjs.js';
import { pool2dWindow, type Window, type WindowAttrs } from './window.js';

type Attrs = WindowAttrs & { filterSize: [number, number] | number };

/**
 * The gradient of 2-D average pooling, for every backend.
 *
 * Upstream: with padding `same` a mean at the border is taken over the values that exist, but its gradient is spread
 * as if the window were full, so it is too small there, on `cpu` as on `wasm` (AvgPoolGrad divides by the window's
 * area). Here each position's gradient is enlarged by window area / values that exist, before upstream spreads it.
 */
export const averagePoolGradient: GradConfig = {
  kernelName: 'AvgPool',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs: NamedAttrMap) => {
    const input = saved[0]!;
    const { filterSize, ...rest } = attrs as unknown as Attrs;
    const window = pool2dWindow(input.shape, filterSize, rest);
    return {
      x: () => engine().runKernel('AvgPoolGrad', { dy: enlarged(dy as Tensor, window), input }, attrs) as Tensor,
    };
  },
};

function enlarged(dy: Tensor, window: Window): Tensor {
  const [, rows, columns] = window.positions.map((_, axis) => enlargements(window, axis)) as [
    number[],
    number[],
    number[],
  ];
  const factors = rows.flatMap((row) => columns.map((column) => row * column));
  return factors.every((factor) => factor === 1) ? dy : mul(dy, tensor(factors, [1, rows.length, columns.length, 1]));
}

/** For each position along an axis, the window's extent over the part of it inside the input. */
function enlargements({ input, size, positions, stride, before }: Window, axis: number): number[] {
  return Array.from({ length: positions[axis]! }, (_, position) => {
    const first = position * stride[axis]! - before[axis]!;
    return size[axis]! / (Math.min(input[axis]!, first + size[axis]!) - Math.max(0, first));
  });
}
