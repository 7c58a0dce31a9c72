import { toPlain } from '../blocked.js';
import type { LayerOf } from '../geometry.js';
import type { Tape, Value } from '../tape.js';

/** An image or volume made larger by whole factors. */
export function upsampling(tape: Tape, given: Value, layer: LayerOf<'upsample2d' | 'upsample3d'>): Value {
  const x = toPlain(tape, given);
  return layer.method === 'nearest' ? repeated(tape, x, layer.size) : interpolated(tape, x, layer.size);
}

/** Each pixel repeated; backward, the gradients of its copies are summed. */
function repeated(tape: Tape, x: Value, size: readonly number[]): Value {
  const { graph } = tape;
  const [batch, channels, ...lengths] = x.shape as [number, number, ...number[]];
  const maps = batch * channels;
  const single = [maps, ...lengths.flatMap((length) => [length, 1])];
  const copies = [maps, ...lengths.flatMap((length, i) => [length, size[i]!])];
  const shape = [batch, channels, ...lengths.map((length, i) => length * size[i]!)];
  const large = graph.op('Expand', [graph.reshape(x.name, single), graph.integers(copies)]);
  const y = tape.value(graph.reshape(large, shape), shape);
  return tape.record(y, [x], (dy) => {
    const axes = lengths.map((_, i) => 2 * i + 2);
    tape.add(x, graph.reshape(graph.sum(graph.reshape(dy, copies), axes), x.shape));
  });
}

/** Bilinear: y = R · x · Cᵀ with a matrix for rows and one for columns; backward Rᵀ · dy · C. */
function interpolated(tape: Tape, x: Value, size: readonly number[]): Value {
  const { graph } = tape;
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [tall, wide] = [height * size[0]!, width * size[1]!];
  const [rows, columns] = [interpolation(height, tall), interpolation(width, wide)];
  const rowsOf = graph.constant(rows, [tall, height]);
  const columnsOf = graph.constant(columns, [wide, width]);
  const [rowsTurned, columnsTurned] = [rowsOf, columnsOf].map((matrix) => graph.transpose(matrix, [1, 0])) as [
    string,
    string,
  ];
  const along = graph.op('MatMul', [x.name, columnsTurned]);
  const y = tape.value(graph.op('MatMul', [rowsOf, along]), [batch, channels, tall, wide]);
  return tape.record(y, [x], (dy) =>
    tape.add(x, graph.op('MatMul', [graph.op('MatMul', [rowsTurned, dy]), columnsOf])),
  );
}

/**
 * The weights of linear interpolation from `from` values to `to`, [to, from]: the centre of place i lies at
 * (i + ½) · from / to − ½, held at the borders, as tf.image.resize has it.
 */
export function interpolation(from: number, to: number): Float32Array {
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const place = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const before = Math.floor(place);
    const after = Math.min(from - 1, before + 1);
    matrix[i * from + before]! += 1 - (place - before);
    matrix[i * from + after]! += place - before;
  }
  return matrix;
}
