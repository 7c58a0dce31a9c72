import type { Tape, Value } from '../tape.js';
import { channelsSecond, laidOutAs } from './axes.js';

/** The graph's input for a layer's mask. */
export const maskName = (layer: string): string => `dropout/${layer}`;

/**
 * Dropout (Srivastava et al. 2014): x times a mask of 0 and 1 / (1 − rate), which is drawn outside and fed with each
 * batch, `[batch, …]` as samples are laid out.
 */
export function dropout(tape: Tape, x: Value, layer: string, sampleShape: readonly number[]): Value {
  const { graph } = tape;
  const shape = [tape.batch, ...sampleShape];
  const fed = tape.value(graph.input(maskName(layer), shape), shape);
  const mask = laidOutAs(tape, channelsSecond(tape, fed), x).name;
  const y = tape.value(graph.op('Mul', [x.name, mask]), x.shape, x.blocked);
  return tape.record(y, [x], (dy) => tape.add(x, graph.op('Mul', [dy, mask])));
}
