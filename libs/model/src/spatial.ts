import { misfit, written } from './misfit.js';
import type { Shape } from './shapes.js';

/**
 * The spatial axes after a window has worked on each; the last axis of `shape` is the channels. `positions` tells how
 * long an axis of some length becomes, which is less than 1 where the window does not fit.
 */
export function overWindow(
  layer: string,
  window: Shape,
  shape: Shape,
  positions: (length: number, axis: number) => number,
): Shape {
  if (shape.length !== window.length + 1) throw misfit(layer, AXES[window.length]!, written(shape));
  return window.map((_, axis) => {
    const length = positions(shape[axis]!, axis);
    if (length < 1) throw misfit(layer, `at least the window ${written(window)}`, written(shape));
    return length;
  });
}

/** Height and width, and depth where there is one, of an image with its channels last. */
export function spatialAxes(layer: string, shape: Shape): Shape {
  if (shape.length < 3) throw misfit(layer, '[height, width, channels] or with depth', written(shape));
  return shape.slice(0, -1);
}

const AXES: Readonly<Record<number, string>> = {
  2: '[height, width, channels]',
  3: '[depth, height, width, channels]',
};
