import type { LayerOf } from '../geometry.js';
import type { Tape, Value } from '../tape.js';
import { softmax } from './activation.js';
import { reshaped, transposed } from './axes.js';
import { affine } from './dense.js';

/** Multi-head self-attention (Vaswani et al. 2017) over [tokens, channels]. */
export function attention(tape: Tape, x: Value, { name, heads }: LayerOf<'attention'>): Value {
  const [batch, tokens, channels] = x.shape as [number, number, number];
  const width = channels / heads;
  const project = (from: Value, role: string): Value =>
    affine(tape, from, { kernel: `${name}/${role}_kernel`, bias: `${name}/${role}_bias`, units: channels });
  const [query, key, value] = ['query', 'key', 'value'].map((role) =>
    transposed(tape, reshaped(tape, project(x, role), [batch, tokens, heads, width]), [0, 2, 1, 3]),
  ) as [Value, Value, Value];
  const scores = product(tape, query, transposed(tape, key, [0, 1, 3, 2]), 1 / Math.sqrt(width));
  const seen = product(tape, softmax(tape, scores, 3), value);
  return project(reshaped(tape, transposed(tape, seen, [0, 2, 1, 3]), [batch, tokens, channels]), 'output');
}

/** factor · a · b over the last two axes. */
function product(tape: Tape, a: Value, b: Value, factor = 1): Value {
  const { graph } = tape;
  const turned = ({ name }: Value): string => graph.transpose(name, [0, 1, 3, 2]);
  const shape = [...a.shape.slice(0, -1), b.shape.at(-1)!];
  const y = tape.value(graph.scale(graph.op('MatMul', [a.name, b.name]), factor), shape);
  return tape.record(y, [a, b], (after) => {
    const dy = graph.scale(after, factor);
    if (tape.wants(a)) tape.add(a, graph.op('MatMul', [dy, turned(b)]));
    if (tape.wants(b)) tape.add(b, graph.op('MatMul', [turned(a), dy]));
  });
}
