import { alike, imageSums, parts, toPlain } from '../blocked.js';
import { channelsOf, type Tape, type Value } from '../tape.js';

/** The sum of values of one shape. */
export function add(tape: Tape, given: readonly Value[]): Value {
  const { graph } = tape;
  const values = alike(tape, given);
  const [first, ...others] = values as [Value, ...Value[]];
  const sum = others.reduce((name, other) => graph.op('Add', [name, other.name]), first.name);
  const y = tape.value(sum, first.shape, first.blocked);
  return tape.record(y, values, (dy) => {
    for (const value of values) tape.add(value, dy);
  });
}

/** Channels side by side. */
export function concat(tape: Tape, given: readonly Value[]): Value {
  const { graph } = tape;
  // Blocks of channels lie behind one another, so the blocked order joins as the plain one does.
  const values = given.every(({ blocked }) => blocked) ? given : given.map((value) => toPlain(tape, value));
  const [first] = values as [Value];
  const axis = first.shape.length < 4 ? first.shape.length - 1 : 1;
  const counts = values.map(channelsOf);
  const shape = first.shape.with(
    axis,
    counts.reduce((sum, count) => sum + count, 0),
  );
  const y = tape.value(
    graph.concat(
      values.map(({ name }) => name),
      axis,
    ),
    shape,
    first.blocked,
  );
  return tape.record(y, values, (dy) => {
    const pieces = graph.split(dy, axis, counts);
    values.forEach((value, i) => tape.add(value, pieces[i]!));
  });
}

/** x · factor, which has the shape of x or is one number for each channel of each sample. */
export function multiply(tape: Tape, x: Value, factor: Value): Value {
  return x.shape.length === factor.shape.length ? pointwise(tape, x, factor) : byChannel(tape, x, factor);
}

function pointwise(tape: Tape, x: Value, factor: Value): Value {
  const { graph } = tape;
  const [a, b] = alike(tape, [x, factor]) as [Value, Value];
  const y = tape.value(graph.op('Mul', [a.name, b.name]), a.shape, a.blocked);
  return tape.record(y, [a, b], (dy) => {
    if (tape.wants(a)) tape.add(a, graph.op('Mul', [dy, b.name]));
    if (tape.wants(b)) tape.add(b, graph.op('Mul', [dy, a.name]));
  });
}

function byChannel(tape: Tape, x: Value, factor: Value): Value {
  const { graph } = tape;
  const [batch, channels] = [x.shape[0]!, channelsOf(x)];
  const isImage = x.shape.length >= 4;
  // Both in a shape in which the factor meets all the pixels of its channel.
  const [whole, single] = shapesToMeet(tape, x);
  const times = (values: string): string =>
    graph.reshape(graph.op('Mul', [graph.reshape(values, whole), graph.reshape(factor.name, single)]), x.shape);
  const y = tape.value(times(x.name), x.shape, x.blocked);
  return tape.record(y, [x, factor], (dy) => {
    if (tape.wants(x)) tape.add(x, times(dy));
    if (!tape.wants(factor)) return;
    const products = graph.op('Mul', [dy, x.name]);
    const sums = isImage
      ? imageSums(tape, products, x)
      : graph.sum(graph.reshape(products, [batch, -1, channels]), [1]);
    tape.add(factor, sums);
  });
}

function shapesToMeet(tape: Tape, x: Value): [whole: readonly number[], single: readonly number[]] {
  const [batch, channels] = [x.shape[0]!, channelsOf(x)];
  if (x.blocked) {
    const [, outer, height, width, block] = parts(tape, x);
    return [
      [batch * outer, height * width, block],
      [batch * outer, 1, block],
    ];
  }
  if (x.shape.length < 4) return [x.shape, [batch, ...x.shape.slice(1, -1).map(() => 1), channels]];
  return [x.shape, [batch, channels, ...x.shape.slice(2).map(() => 1)]];
}
