import { sizeOf } from '@consilium/model';
import { blockedOp, parts } from './blocked.js';
import { placesOf, type Geometry } from './geometry.js';
import type { Tape, Value } from './tape.js';

/**
 * A 2-D convolution without groups in the blocked layout; see `blocked.ts`. Its directions are those of
 * `convolution.ts`. Filters and, but for the first convolution, channels are multiples of B.
 */

/** TensorFlow's kernel [height, width, in, out] as the blocked Conv reads it: [out/B, in/B, height, width, B in, B out]. */
export function blockedKernel(tape: Tape, kernel: string, shape: readonly number[]): string {
  const [height, width, channels, filters] = shape as [number, number, number, number];
  const block = tape.terms.block!;
  const { graph } = tape;
  if (channels < block) {
    // Few channels are read from a plain image: [out/B, in, height, width, B out].
    const split = graph.reshape(kernel, [height, width, channels, filters / block, block]);
    return graph.reshape(graph.transpose(split, [3, 2, 0, 1, 4]), [filters, channels, height, width]);
  }
  const split = graph.reshape(kernel, [height, width, channels / block, block, filters / block, block]);
  return graph.reshape(graph.transpose(split, [4, 2, 0, 1, 3, 5]), [filters, channels, height, width]);
}

/** The kernel of the transposed convolution: turned by half a turn, its inputs and outputs exchanged. */
function turnedKernel(tape: Tape, kernel: string, shape: readonly number[]): string {
  const [height, width, channels, filters] = shape as [number, number, number, number];
  const block = tape.terms.block!;
  const { graph } = tape;
  const split = graph.reshape(kernel, [height, width, channels / block, block, filters / block, block]);
  const beginning = -(2 ** 31);
  const turned =
    height * width === 1
      ? split
      : graph.slice(split, [0, 1], [height - 1, width - 1], [beginning, beginning], [-1, -1]);
  return graph.reshape(graph.transpose(turned, [2, 4, 0, 1, 5, 3]), [channels, filters, height, width]);
}

export function blockedDown(
  tape: Tape,
  x: string,
  kernel: string,
  shape: readonly number[],
  geometry: Geometry,
  { bias, relu }: { readonly bias: string | undefined; readonly relu: boolean },
): string {
  const { window, stride, before, after, dilation } = geometry;
  const inputs = [x, blockedKernel(tape, kernel, shape), ...(bias === undefined ? [] : [bias])];
  return blockedOp(tape, 'Conv', inputs, {
    kernel_shape: window,
    strides: stride,
    dilations: dilation,
    pads: [...before, ...after],
    ...(relu ? { activation: 'Relu' } : {}),
  });
}

/**
 * The gradient by x, as a convolution again: of the gradient with zeros between its pixels where the stride is more than
 * 1, by the turned kernel.
 */
export function blockedUp(
  tape: Tape,
  dy: string,
  y: Value,
  kernel: string,
  shape: readonly number[],
  geometry: Geometry,
): string {
  const { large, window, stride, before, dilation } = geometry;
  const turned = turnedKernel(tape, kernel, shape);
  const convolve = (image: string, pads: readonly number[]): string =>
    blockedOp(tape, 'Conv', [image, turned], { kernel_shape: window, strides: [1, 1], dilations: dilation, pads });
  if (sizeOf(window) === 1) {
    // One pixel to one pixel: it is cheaper to convolve the small image and to spread what comes out.
    const small = convolve(dy, [0, 0, 0, 0]);
    return spreadOut(tape, small, [y.shape[0]!, shape[2]!, y.shape[2]!, y.shape[3]!], stride, large);
  }
  const reach = window.map((size, i) => (size - 1) * dilation[i]!);
  const lengths = large.map((length, i) => Math.min(y.shape[i + 2]! * stride[i]!, length + before[i]!));
  const spread = spreadOut(tape, dy, y.shape, stride, lengths);
  const starts = reach.map((length, i) => length - before[i]!);
  const ends = large.map((length, i) => length + before[i]! - lengths[i]!);
  return convolve(spread, [...starts, ...ends]);
}

/** The image with stride − 1 zeros after each pixel and line, cut or filled with zeros to `lengths`. */
function spreadOut(
  tape: Tape,
  dy: string,
  shape: readonly number[],
  stride: readonly number[],
  lengths: readonly number[],
): string {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const [down, right] = stride as [number, number];
  if (down === 1 && right === 1 && lengths[0] === height && lengths[1] === width) return dy;
  const { graph } = tape;
  const block = tape.terms.block!;
  const outer = (batch * channels) / block;
  const apart = graph.reshape(dy, [outer, height, 1, width, block]);
  const zeros = graph.pad(apart, [0, 0, 0, 0, 0], [0, 0, down - 1, 0, (right - 1) * block]);
  const [tall, wide] = [height * down, width * right];
  const [rows, columns] = lengths as [number, number];
  let whole = graph.reshape(zeros, [outer, tall, wide, block]);
  if (rows < tall || columns < wide) whole = graph.slice(whole, [1, 2], [0, 0], [rows, columns]);
  whole = graph.pad(whole, [0, 0, 0, 0], [0, Math.max(0, rows - tall), Math.max(0, columns - wide), 0]);
  return graph.reshape(whole, [batch, channels, rows, columns]);
}

/**
 * The kernel's gradient for each sample, [batch, window · in, out], as `filterGradients` gives it.
 *
 * At stride 1 rows are padded so that what one place of the window sees is one contiguous run of the flat image: then a
 * place costs a copy and a matrix product, and nothing else.
 *
 * @param x plain, [batch, in, height, width]
 */
export function blockedFilterGradients(
  tape: Tape,
  x: string,
  dy: string,
  y: Value,
  geometry: Geometry,
  channels: number,
): string {
  const { graph } = tape;
  const [batch, outer, height, width, block] = parts(tape, y);
  const filters = outer * block;
  const last = graph.transpose(graph.reshape(dy, [batch, outer, height, width, block]), [0, 2, 3, 1, 4]);
  const runs = geometry.stride.every((step) => step === 1) && sizeOf(geometry.window) > 1;
  const { taps, gradient } = runs
    ? asRuns(tape, x, graph.reshape(last, [batch, height, width, filters]), geometry, [batch, channels, filters])
    : asSlices(tape, x, graph.reshape(last, [batch, height * width, filters]), geometry, [batch, channels]);
  // Few channels make thin matrices, of which one high one is made.
  if (channels < block) return graph.op('MatMul', [graph.concat(taps, 1), gradient]);
  return graph.concat(
    taps.map((tap) => graph.op('MatMul', [tap, gradient])),
    1,
  );
}

/** What each place of the window sees, [batch, in, pixels], and the gradient that belongs to it, [batch, pixels, out]. */
interface Seen {
  readonly taps: readonly string[];
  readonly gradient: string;
}

function asRuns(
  { graph }: Tape,
  x: string,
  dy: string,
  { large, small, window, dilation, before, after }: Geometry,
  [batch, channels, filters]: readonly [number, number, number],
): Seen {
  const [height, width] = small as [number, number];
  const [tall, wide] = large.map((length, i) => length + before[i]! + after[i]!) as [number, number];
  // A row more than the window needs, so that the last run does not end beyond the image.
  const padded = graph.pad(x, [0, 0, ...before], [0, 0, after[0]! + 1, after[1]!]);
  const flat = graph.reshape(padded, [batch, channels, (tall + 1) * wide]);
  const run = height * wide;
  const taps = placesOf(window).map(([row, column]) => {
    const first = row! * dilation[0]! * wide + column! * dilation[1]!;
    return graph.slice(flat, [2], [first], [first + run]);
  });
  const rows = graph.pad(dy, [0, 0, 0, 0], [0, 0, wide - width, 0]);
  return { taps, gradient: graph.reshape(rows, [batch, run, filters]) };
}

function asSlices(
  { graph }: Tape,
  x: string,
  gradient: string,
  { large, small, window, stride, dilation, before, after }: Geometry,
  [batch, channels]: readonly [number, number],
): Seen {
  const padded = graph.pad(x, [0, 0, ...before], [0, 0, ...after]);
  const taps = placesOf(window).map((place) => {
    const first = place.map((offset, i) => offset * dilation[i]!);
    const end = first.map((offset, i) => offset + (small[i]! - 1) * stride[i]! + 1);
    const whole = first.every(
      (offset, i) => offset === 0 && end[i] === large[i]! + before[i]! + after[i]! && stride[i] === 1,
    );
    const tap = whole ? padded : graph.slice(padded, [2, 3], first, end, stride);
    return graph.reshape(tap, [batch, channels, sizeOf(small)]);
  });
  return { taps, gradient };
}
