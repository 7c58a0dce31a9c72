import { throughRelu, toPlain } from '../blocked.js';
import type { LayerOf } from '../geometry.js';
import type { Tape, Value } from '../tape.js';

type Function = LayerOf<'activation'>['function'];

/** f of each value, or softmax over the channels. */
export function activation(tape: Tape, x: Value, name: Function): Value {
  if (name === 'softmax') {
    const plain = toPlain(tape, x);
    return softmax(tape, plain, plain.shape.length < 4 ? plain.shape.length - 1 : 1);
  }
  const { value, slope } = POINTWISE[name](tape, x.name);
  const y = tape.value(value, x.shape, x.blocked);
  return tape.record(y, [x], (dy) => tape.add(x, slope(dy)));
}

interface Pointwise {
  readonly value: string;
  /** From the gradient by the value to that by the input; called at most once, in the backward pass. */
  readonly slope: (gradient: string) => string;
}

const POINTWISE: Readonly<Record<Exclude<Function, 'softmax'>, (tape: Tape, x: string) => Pointwise>> = {
  relu: (tape, x) => {
    const value = tape.graph.op('Relu', [x]);
    return { value, slope: (dy) => throughRelu(tape, dy, value) };
  },
  sigmoid: ({ graph }, x) => {
    const value = graph.op('Sigmoid', [x]);
    return { value, slope: (dy) => graph.op('Mul', [dy, bell(graph, value)]) };
  },
  tanh: ({ graph }, x) => {
    const value = graph.op('Tanh', [x]);
    const slope = (): string => graph.op('Sub', [graph.number(1), graph.op('Mul', [value, value])]);
    return { value, slope: (dy) => graph.op('Mul', [dy, slope()]) };
  },
  // x · σ(x); its slope is σ + x · σ · (1 − σ).
  silu: ({ graph }, x) => {
    const share = graph.op('Sigmoid', [x]);
    const slope = (): string => graph.op('Add', [share, graph.op('Mul', [x, bell(graph, share)])]);
    return { value: graph.op('Mul', [x, share]), slope: (dy) => graph.op('Mul', [dy, slope()]) };
  },
  // x · Φ(x) by the exact error function (Hendrycks & Gimpel 2016); its slope is Φ + x · φ.
  gelu: ({ graph }, x) => {
    const erf = graph.op('Erf', [graph.scale(x, Math.SQRT1_2)]);
    const share = graph.scale(graph.op('Add', [erf, graph.number(1)]), 0.5);
    const slope = (): string => {
      const power = graph.op('Exp', [graph.scale(graph.op('Mul', [x, x]), -0.5)]);
      return graph.op('Add', [share, graph.op('Mul', [x, graph.scale(power, 1 / Math.sqrt(2 * Math.PI))])]);
    };
    return { value: graph.op('Mul', [x, share]), slope: (dy) => graph.op('Mul', [dy, slope()]) };
  },
};

/** σ · (1 − σ). */
const bell = (graph: Tape['graph'], share: string): string =>
  graph.op('Mul', [share, graph.op('Sub', [graph.number(1), share])]);

/** e^x over their sum along an axis; dx = y · (dy − Σ dy · y). */
export function softmax(tape: Tape, x: Value, axis: number): Value {
  const { graph } = tape;
  const y = tape.value(graph.op('Softmax', [x.name], { axis }), x.shape);
  return tape.record(y, [x], (dy) => {
    const mean = graph.sum(graph.op('Mul', [dy, y.name]), [axis], true);
    tape.add(x, graph.op('Mul', [y.name, graph.op('Sub', [dy, mean])]));
  });
}
