import type { Graph } from './graph.js';
import { sizeOf, type Shape } from './shapes.js';

/** Where one input's values lie in a sample. */
export interface InputPart {
  /** The input layer's name. */
  readonly name: string;
  readonly shape: Shape;
  /** Values before it in the row, and how many are its own. */
  readonly offset: number;
  readonly size: number;
}

/** A sample as one row of float32 values. */
export interface InputRow {
  /** Values of a sample, over all inputs. */
  readonly size: number;
  readonly parts: readonly InputPart[];
}

/**
 * How a sample is laid out: each input's values row-major, inputs back to back in the order of the graph. A batch is
 * `[count, size]`. For a graph of one input this is the image itself.
 */
export function inputRow(graph: Graph): InputRow {
  let size = 0;
  const parts = graph.layers.flatMap((layer) => {
    if (layer.type !== 'input') return [];
    const part = { name: layer.name, shape: layer.shape, offset: size, size: sizeOf(layer.shape) };
    size += part.size;
    return [part];
  });
  return { size, parts };
}
