import { BLOCKED_DOMAIN, type Attributes } from './model-format.js';
import { channelsOf, type Tape, type Value } from './tape.js';

/**
 * ONNX Runtime's own layout for images, in which B channels of a pixel lie side by side in one vector register:
 * `[batch, channels / B, height, width, B]`, B being 8 with AVX2 and 16 with AVX-512. Its optimiser moves inference there
 * by itself, but only where weights are constants, which those of a training graph are not; so we emit the operators
 * of its internal domain `com.microsoft.nchwc` ourselves. It is not documented: the release is pinned, B is probed at
 * start, the self-test covers it, and the plain layout is always there.
 *
 * A blocked tensor keeps its nominal shape [batch, channels, height, width], so a Reshape, which costs nothing, gives
 * access to its parts.
 */

/** Whether an image of these channels can be blocked. */
export const canBlock = ({ terms: { block } }: Tape, channels: number, rank: number): boolean =>
  block !== undefined && rank === 4 && channels % block === 0;

/** An operator of the blocked domain. */
export const blockedOp = (tape: Tape, type: string, inputs: readonly string[], attributes: Attributes = {}): string =>
  tape.graph.op(type, inputs, attributes, BLOCKED_DOMAIN);

const reorderIn = (tape: Tape, x: string): string => blockedOp(tape, 'ReorderInput', [x]);
const reorderOut = (tape: Tape, x: string, channels: number): string =>
  blockedOp(tape, 'ReorderOutput', [x], { channels });

/** The value in blocked order, itself if it is there already. */
export function toBlocked(tape: Tape, x: Value): Value {
  if (x.blocked) return x;
  return tape.remembered(`blocked ${x.name}`, () => {
    const y = tape.value(reorderIn(tape, x.name), x.shape, true);
    return tape.record(y, [x], (dy) => tape.add(x, reorderOut(tape, dy, channelsOf(x))));
  });
}

/** The value in plain order, itself if it is there already. */
export function toPlain(tape: Tape, x: Value): Value {
  if (!x.blocked) return x;
  return tape.remembered(`plain ${x.name}`, () => {
    const y = tape.value(reorderOut(tape, x.name, channelsOf(x)), x.shape);
    return tape.record(y, [x], (dy) => tape.add(x, reorderIn(tape, dy)));
  });
}

/** All values in one layout: the blocked one if any of them is there. */
export function alike(tape: Tape, values: readonly Value[]): readonly Value[] {
  return values.some(({ blocked }) => blocked) ? values.map((value) => toBlocked(tape, value)) : values;
}

/** Reshapes between a blocked image and its parts: [batch, channels / B, height, width, B]. */
export function parts(tape: Tape, { shape }: Value): readonly [number, number, number, number, number] {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const block = tape.terms.block!;
  return [batch, channels / block, height, width, block];
}

/** Σ over batch and pixels for each channel: [channels]. */
export function channelSums(tape: Tape, x: string, like: Value): string {
  const { graph } = tape;
  const channels = channelsOf(like);
  if (like.shape.length < 4) return graph.sum(graph.reshape(x, [-1, channels]), [0]);
  return graph.sum(imageSums(tape, x, like), [0]);
}

/** Σ over pixels for each image and channel: [batch, channels]. */
export function imageSums(tape: Tape, x: string, like: Value): string {
  const { graph } = tape;
  const [batch, channels] = like.shape as [number, number];
  if (!like.blocked) return graph.sum(graph.reshape(x, [batch, channels, -1]), [2]);
  const [, outer, height, width, block] = parts(tape, like);
  const sums = graph.sum(graph.reshape(x, [batch * outer, height * width, block]), [1]);
  return graph.reshape(sums, [batch, channels]);
}

/**
 * scale · x + shift (+ sum), and no less than 0 with `relu`, by channel: for blocked images one pass, as a depthwise
 * convolution of one pixel whose bias, residual and activation come with it.
 *
 * @param scale, shift [channels]
 * @param sum laid out as x
 */
export function perChannel(
  tape: Tape,
  x: string,
  like: Value,
  scale: string,
  shift?: string,
  { sum, relu = false }: { readonly sum?: string; readonly relu?: boolean } = {},
): string {
  const { graph } = tape;
  const channels = channelsOf(like);
  if (like.blocked) {
    const inputs = [x, graph.reshape(scale, [channels, 1, 1, 1])];
    if (shift !== undefined || sum !== undefined) inputs.push(shift ?? '');
    if (sum !== undefined) inputs.push(sum);
    return blockedOp(tape, 'Conv', inputs, {
      kernel_shape: [1, 1],
      pads: [0, 0, 0, 0],
      strides: [1, 1],
      group: channels,
      ...(relu ? { activation: 'Relu' } : {}),
    });
  }
  // A channel's one value against all of its pixels.
  const wide = (vector: string): string =>
    like.shape.length < 4 ? vector : graph.reshape(vector, [channels, ...like.shape.slice(2).map(() => 1)]);
  let y = graph.op('Mul', [x, wide(scale)]);
  if (shift !== undefined) y = graph.op('Add', [y, wide(shift)]);
  if (sum !== undefined) y = graph.op('Add', [y, sum]);
  return relu ? graph.op('Relu', [y]) : y;
}

/** So steep that every positive number of full precision becomes 1. */
const STEEP = 3e38;

/** The gradient where ReLU let its input through: y is its output, not negative. One operator makes the mask of it. */
export function throughRelu(tape: Tape, gradient: string, y: string): string {
  const { graph } = tape;
  const passed = graph.op('HardSigmoid', [y], { alpha: { float: STEEP }, beta: { float: 0 } });
  return graph.op('Mul', [gradient, passed]);
}
