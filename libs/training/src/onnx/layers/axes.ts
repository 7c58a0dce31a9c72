import { parts, toBlocked, toPlain } from '../blocked.js';
import type { Tape, Value } from '../tape.js';

/** Functions that move axes and let gradients go back the same way. */

/** The same values with the channels on the last axis, as samples are laid out. */
export function channelsLast(tape: Tape, x: Value): Value {
  const { length } = x.shape;
  if (length < 4) return x;
  return x.blocked ? unblocked(tape, x) : transposed(tape, x, [0, ...range(2, length), 1]);
}

/** In one step from [batch, channels / B, height, width, B]. */
function unblocked(tape: Tape, x: Value): Value {
  const { graph } = tape;
  const [batch, outer, height, width, block] = parts(tape, x);
  const moved = graph.transpose(graph.reshape(x.name, [batch, outer, height, width, block]), [0, 2, 3, 1, 4]);
  const shape = [batch, height, width, outer * block];
  const y = tape.value(graph.reshape(moved, shape), shape);
  return tape.record(y, [x], (dy) => {
    const split = graph.reshape(dy, [batch, height, width, outer, block]);
    tape.add(x, graph.reshape(graph.transpose(split, [0, 3, 1, 2, 4]), x.shape));
  });
}

/** As images are laid out within the graph, in the layout of `like`. */
export function laidOutAs(tape: Tape, x: Value, like: Value): Value {
  return like.blocked ? toBlocked(tape, x) : toPlain(tape, x);
}

/** From channels last to where images have them. */
export function channelsSecond(tape: Tape, x: Value): Value {
  const { length } = x.shape;
  return length < 4 ? x : transposed(tape, x, [0, length - 1, ...range(1, length - 1)]);
}

export function transposed(tape: Tape, x: Value, order: readonly number[]): Value {
  const { graph } = tape;
  const shape = order.map((axis) => x.shape[axis]!);
  // With one channel, or one pixel, nothing moves.
  const moving = order.filter((axis) => x.shape[axis]! > 1);
  if (moving.every((axis, i) => i === 0 || axis > moving[i - 1]!)) return reshaped(tape, x, shape);
  const y = tape.value(graph.transpose(x.name, order), shape);
  const back = order.map((_, axis) => order.indexOf(axis));
  return tape.record(y, [x], (dy) => tape.add(x, graph.transpose(dy, back)));
}

/** The same values in the same order under another shape. */
export function reshaped(tape: Tape, x: Value, shape: readonly number[]): Value {
  const { graph } = tape;
  const y = tape.value(graph.reshape(x.name, shape), shape);
  return tape.record(y, [x], (dy) => tape.add(x, graph.reshape(dy, x.shape)));
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
