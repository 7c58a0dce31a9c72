import { findBlockSize } from './block-size.js';
import type { Machine } from './machine.js';
import type { Tape } from './tape.js';

/** This processor's block, or undefined where it has none; then the blocked cases are the plain ones again. */
export const block = await findBlockSize({ threads: 1 });

export const plain: Machine = { threads: 1, target: { block: undefined } };
export const blocked: Machine = { threads: 1, target: { block } };

export const MACHINES: readonly (readonly [string, Machine])[] = [
  ['plain', plain],
  ['blocked', blocked],
];

/**
 * A machine that computes something wrong: the result of every operator of a type has the other sign, or only those
 * that `backward` emits, by the attribute or input that tells them.
 */
export function wrongMachine(machine: Machine, type: string): Machine {
  const plant = ({ graph }: Tape): void => {
    const op = graph.op.bind(graph);
    graph.op = (emitted, ...rest) => {
      const result = op(emitted, ...rest);
      return emitted === type ? op('Neg', [result]) : result;
    };
  };
  return { ...machine, target: { ...machine.target, plant } };
}

/** ‖a − b‖ / ‖b‖. */
export function relativeError(a: Float32Array, b: Float32Array): number {
  let [above, below] = [0, 0];
  b.forEach((value, i) => {
    above += (a[i]! - value) ** 2;
    below += value ** 2;
  });
  return Math.sqrt(above / below);
}
