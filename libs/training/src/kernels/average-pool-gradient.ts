import type { GradConfig, NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';
import { engine, mul, tensor } from '../tensorflow/tfjs.js';
import { pool2dWindow, pool3dWindow, type Window, type WindowAttrs } from './window.js';

type Attrs<Size> = WindowAttrs & { filterSize: Size };

/*
 * Upstream: with padding `same` a mean at the border is taken over the values that exist, but its gradient is spread
 * as if the window were full, so it is too small there, on `cpu` as on `wasm` (AvgPoolGrad and AvgPool3DGrad divide by
 * the window's volume). Here each position's gradient is enlarged by window volume / values that exist, before upstream
 * spreads it.
 */

/** The gradient of 2-D average pooling, for every backend. */
export const averagePool2dGradient = averagePoolGradient<[number, number]>(
  'AvgPool',
  (shape, { filterSize, ...attrs }) => pool2dWindow(shape, filterSize, attrs),
);

/** The gradient of 3-D average pooling, for every backend. */
export const averagePool3dGradient = averagePoolGradient<[number, number, number]>(
  'AvgPool3D',
  (shape, { filterSize, ...attrs }) => pool3dWindow(shape, filterSize, attrs),
);

function averagePoolGradient<Size>(
  kernelName: string,
  windowOf: (shape: readonly number[], attrs: Attrs<Size>) => Window,
): GradConfig {
  return {
    kernelName,
    inputsToSave: ['x'],
    gradFunc: (gradient, saved, attrs: NamedAttrMap) => {
      const [input, dy] = [saved[0]!, gradient as Tensor];
      const window = windowOf(input.shape, attrs as unknown as Attrs<Size>);
      return {
        x: () => engine().runKernel(`${kernelName}Grad`, { dy: enlarged(dy, window), input }, attrs) as Tensor,
      };
    },
  };
}

/** `dy` [batch, (depth,) height, width, channels], each position by the share of its window that lies outside. */
function enlarged(dy: Tensor, window: Window): Tensor {
  const axes = window.positions.map((_, axis) => enlargements(window, axis));
  const factors = axes.reduce((before, along) => before.flatMap((factor) => along.map((other) => factor * other)), [1]);
  if (factors.every((factor) => factor === 1)) return dy;
  return mul(dy, tensor(factors, [1, ...dy.shape.slice(1, -1), 1]));
}

/** For each position along an axis, the window's extent over the part of it inside the input. */
function enlargements({ input, size, positions, stride, before }: Window, axis: number): number[] {
  return Array.from({ length: positions[axis]! }, (_, position) => {
    const first = position * stride[axis]! - before[axis]!;
    return size[axis]! / (Math.min(input[axis]!, first + size[axis]!) - Math.max(0, first));
  });
}
