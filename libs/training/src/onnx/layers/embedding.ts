import { sizeOf } from '@consilium/model';
import type { LayerOf } from '../geometry.js';
import type { Tape, Value } from '../tape.js';
import { channelsLast, channelsSecond } from './axes.js';

/** A row of the kernel for each whole number of the input, which was checked to be within it. */
export function embedding(tape: Tape, given: Value, { name, vocabulary, units }: LayerOf<'embedding'>): Value {
  const { graph, batch } = tape;
  const x = channelsLast(tape, given);
  const kernel = tape.weight(`${name}/kernel`, [vocabulary, units]);
  const numbers = graph.op('Cast', [x.name], { to: 7 });
  const y = tape.value(graph.op('Gather', [kernel.name, numbers], { axis: 0 }), [...x.shape, units]);
  tape.record(y, [kernel], (dy) => {
    const places = sizeOf(x.shape);
    const rows = graph.reshape(dy, [places, units]);
    const summed = (at: string, tables: number): string => {
      const zeros = graph.op('Expand', [graph.number(0), graph.integers([tables * vocabulary, units])]);
      return graph.op('ScatterND', [zeros, graph.reshape(at, [places, 1]), rows], { reduction: 'add' });
    };
    if (!tape.terms.apart) return tape.addWeightGradient(`${name}/kernel`, summed(numbers, 1));
    // A table for each sample, one after the other.
    const firsts = graph.integers(Array.from({ length: batch }, (_, sample) => sample * vocabulary));
    const shifted = graph.op('Add', [graph.reshape(numbers, [batch, -1]), graph.reshape(firsts, [batch, 1])]);
    tape.addSampleGradients(`${name}/kernel`, graph.reshape(summed(shifted, batch), [batch, -1]));
  });
  return channelsSecond(tape, y);
}
