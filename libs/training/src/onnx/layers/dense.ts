import { sizeOf } from '@consilium/model';
import type { LayerOf } from '../geometry.js';
import type { Tape, Value } from '../tape.js';
import { channelsLast, channelsSecond, reshaped } from './axes.js';

/** y = x · kernel + bias over the last axis. */
export function dense(tape: Tape, given: Value, { name, units, bias }: LayerOf<'dense'>): Value {
  const x = channelsLast(tape, given);
  const y = affine(tape, x, { kernel: `${name}/kernel`, bias: bias ? `${name}/bias` : undefined, units });
  return channelsSecond(tape, y);
}

export interface Affine {
  /** Names of tensors, [in, units] and [units]. */
  readonly kernel: string;
  readonly bias: string | undefined;
  readonly units: number;
}

/** x · kernel + bias over the last axis of values that have it last. */
export function affine(tape: Tape, x: Value, { kernel, bias: biasName, units }: Affine): Value {
  const { graph, batch } = tape;
  const inputs = x.shape.at(-1)!;
  const rows = reshaped(tape, x, [sizeOf(x.shape) / inputs, inputs]);
  const perSample = rows.shape[0]! / batch;
  const weight = tape.weight(kernel, [inputs, units]);
  const bias = biasName === undefined ? undefined : tape.weight(biasName, [units]);
  const product = graph.op('Gemm', [rows.name, weight.name, ...(bias ? [bias.name] : [])]);
  const y = tape.value(product, [rows.shape[0]!, units]);
  tape.record(y, [rows, weight, ...(bias ? [bias] : [])], (dy) => {
    if (perSample === 1) {
      tape.addOuterGradients(kernel, rows.name, dy);
      if (biasName !== undefined) tape.addSampleGradients(biasName, dy);
    } else if (tape.terms.apart) {
      const [left, right] = [rows.name, dy].map((name, i) =>
        graph.reshape(name, [batch, perSample, i === 0 ? inputs : units]),
      ) as [string, string];
      tape.addSampleGradients(kernel, graph.op('MatMul', [graph.transpose(left, [0, 2, 1]), right]));
      if (biasName !== undefined) tape.addSampleGradients(biasName, graph.sum(right, [1]));
    } else {
      tape.addOuterGradients(kernel, rows.name, dy);
      if (biasName !== undefined) tape.addWeightGradient(biasName, graph.sum(dy, [0]));
    }
    if (tape.wants(rows)) tape.add(rows, graph.op('Gemm', [dy, weight.name], { transB: 1 }));
  });
  return reshaped(tape, y, [...x.shape.slice(0, -1), units]);
}
