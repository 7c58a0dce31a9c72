import type { Graph } from './graph.js';
import { inputRow } from './input-row.js';
import { resolveInputs } from './inputs.js';

/** A value that an embedding cannot look up. */
export interface Unlisted {
  /** The embedding's name, and how many entries it has. */
  readonly layer: string;
  readonly vocabulary: number;
  /** Which sample, from 0. */
  readonly sample: number;
}

/**
 * The first sample whose value an embedding has no entry for: entries are the whole numbers from 0 to `vocabulary` − 1.
 * Engines differ in what they do with others, and some read memory that is not theirs, so this is asked before any.
 */
export function firstUnlisted(graph: Graph, rows: Float32Array, count: number): Unlisted | undefined {
  const sources = resolveInputs(graph);
  const { size, parts } = inputRow(graph);
  for (const layer of graph.layers) {
    if (layer.type !== 'embedding') continue;
    const { name, vocabulary } = layer;
    const part = parts.find((candidate) => candidate.name === sources.get(name)![0])!;
    for (let sample = 0; sample < count; sample++) {
      const first = sample * size + part.offset;
      for (let i = first; i < first + part.size; i++) {
        const value = rows[i]!;
        if (!(Number.isInteger(value) && value >= 0 && value < vocabulary)) return { layer: name, vocabulary, sample };
      }
    }
  }
  return undefined;
}
