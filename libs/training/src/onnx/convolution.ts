import { sizeOf } from '@consilium/model';
import { placesOf, remainder, slidingAttributes, type Geometry } from './geometry.js';
import type { GraphBuilder } from './graph-builder.js';

/**
 * The three directions of a convolution in the plain layout, for images and volumes alike. With x on its large side, y
 * on its small one and the kernel w: `down` is y = x ∗ w, `up` its transpose (the gradient by x, and what a transposed
 * convolution computes), `filterGradients` the gradient by w.
 */

/** Fewer channels than this fill no vector register. */
const FEW = 8;

/** Kernels as ONNX wants them, [out, in / groups, …window], from TensorFlow's [...window, in / groups, out]. */
export function kernelForOnnx(graph: GraphBuilder, kernel: string, window: readonly number[]): string {
  const { length } = window;
  return graph.transpose(kernel, [length + 1, length, ...window.keys()]);
}

export function down(graph: GraphBuilder, x: string, kernel: string, geometry: Geometry, bias?: string): string {
  const { dilation, groups } = geometry;
  const attributes = { ...slidingAttributes(geometry), dilations: dilation, group: groups };
  return graph.op('Conv', bias === undefined ? [x, kernel] : [x, kernel, bias], attributes);
}

/**
 * For volumes at stride 1 it is emitted as a convolution by the turned kernel, since ONNX Runtime's ConvTranspose takes
 * four times as long for them.
 */
export function up(graph: GraphBuilder, y: string, kernel: string, geometry: Geometry, bias?: string): string {
  const { dilation, groups, stride, window } = geometry;
  const asConvolution = window.length === 3 && groups === 1 && stride.every((step) => step === 1);
  if (asConvolution) return upAsConvolution(graph, y, kernel, geometry, bias);
  const attributes = {
    ...slidingAttributes(geometry),
    dilations: dilation,
    group: groups,
    output_padding: remainder(geometry),
  };
  return graph.op('ConvTranspose', bias === undefined ? [y, kernel] : [y, kernel, bias], attributes);
}

function upAsConvolution(graph: GraphBuilder, y: string, kernel: string, geometry: Geometry, bias?: string): string {
  const { window, dilation, before, large, small } = geometry;
  const axes = window.map((_, i) => i + 2);
  const last = window.map((size) => size - 1);
  const beginning = window.map(() => -(2 ** 31));
  const backwards = window.map(() => -1);
  const turned = graph.transpose(graph.slice(kernel, axes, last, beginning, backwards), [1, 0, ...axes]);
  const starts = window.map((size, i) => (size - 1) * dilation[i]! - before[i]!);
  const ends = large.map((length, i) => length + before[i]! - small[i]!);
  const attributes = {
    kernel_shape: window,
    strides: window.map(() => 1),
    dilations: dilation,
    pads: [...starts, ...ends],
  };
  return graph.op('Conv', bias === undefined ? [y, turned] : [y, turned, bias], attributes);
}

/**
 * The kernel's gradient for each sample apart, [batch, window · in / groups, out]: Σ over pixels of the image under one
 * place of the window times the gradient, a matrix product for each place, and no im2col.
 *
 * @param x [batch, in, …large]
 * @param dy [batch, out, …small]
 */
export function filterGradients(
  graph: GraphBuilder,
  x: string,
  dy: string,
  geometry: Geometry,
  [batch, channels, filters]: readonly [batch: number, channels: number, filters: number],
): string {
  const { small, before, after, groups } = geometry;
  const pixels = sizeOf(small);
  const [inputs, outputs] = [channels / groups, filters / groups];
  const padded = graph.pad(x, [0, 0, ...before], [0, 0, ...after]);
  const depthwise = inputs === 1 && outputs === 1 && groups > 1;
  const gradient = depthwise
    ? graph.reshape(dy, [batch, groups, pixels])
    : graph.transpose(graph.reshape(dy, [batch, groups, outputs, pixels]), [0, 1, 3, 2]);
  const places = placesOf(geometry.window).map((place) => under(graph, padded, place, geometry));
  if (groups === 1 && inputs < FEW) {
    // Few channels make thin matrices, of which one high one is made.
    const rows = graph.concat(
      places.map((tap) => graph.reshape(tap, [batch, inputs, pixels])),
      1,
    );
    return graph.op('MatMul', [rows, graph.reshape(gradient, [batch, pixels, filters])]);
  }
  const taps = places.map((tap) => {
    if (depthwise) {
      const products = graph.op('Mul', [graph.reshape(tap, [batch, groups, pixels]), gradient]);
      return graph.sum(products, [2]);
    }
    const product = graph.op('MatMul', [graph.reshape(tap, [batch, groups, inputs, pixels]), gradient]);
    return groups === 1 ? product : graph.transpose(product, [0, 2, 1, 3]);
  });
  const rows = taps.map((tap) => graph.reshape(tap, [batch, inputs, filters]));
  return graph.concat(rows, 1);
}

/** The pixels that one place of the window sees. */
function under(graph: GraphBuilder, padded: string, place: readonly number[], geometry: Geometry): string {
  const { small, stride, dilation, large, before, after } = geometry;
  const first = place.map((offset, i) => offset * dilation[i]!);
  const end = first.map((offset, i) => offset + (small[i]! - 1) * stride[i]! + 1);
  const whole = first.every(
    (offset, i) => offset === 0 && stride[i] === 1 && end[i] === large[i]! + before[i]! + after[i]!,
  );
  if (whole) return padded;
  const axes = place.map((_, i) => i + 2);
  return graph.slice(padded, axes, first, end, stride);
}
