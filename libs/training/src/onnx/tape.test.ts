import { layoutManifest } from '@consilium/weights';
import { describe, expect, it } from 'vitest';
import { Session, type Arrays } from './session.js';
import { channelsOf, Tape, type TapeTerms, type Value } from './tape.js';

const manifest = layoutManifest([
  { name: 'a/kernel', shape: [2] },
  { name: 'a/statistic', shape: [1] },
  { name: 'b/kernel', shape: [2] },
]);

const tapeOf = (terms: Partial<TapeTerms> = {}): Tape =>
  new Tape({
    batch: 1,
    manifest,
    trainable: new Set(['a/kernel', 'b/kernel']),
    mode: 'training',
    block: undefined,
    ...terms,
  });

/** factor · x, with its way back. */
function scaled(tape: Tape, x: Value, factor: number): Value {
  const y = tape.value(tape.graph.scale(x.name, factor), x.shape);
  return tape.record(y, [x], (dy) => tape.add(x, tape.graph.scale(dy, factor)));
}

/** x + y, with its way back. */
function sum(tape: Tape, x: Value, y: Value): Value {
  const z = tape.value(tape.graph.op('Add', [x.name, y.name]), x.shape);
  return tape.record(z, [x, y], (dy) => [x, y].forEach((value) => tape.add(value, dy)));
}

async function run(tape: Tape, size: number): Promise<Arrays> {
  tape.graph.output('gradient', tape.flatGradient(), [size]);
  const session = await Session.open(tape.graph.program(), { threads: 1 });
  try {
    return await session.run({ weights: Float32Array.of(1, 2, 3, 4, 5), seed: Float32Array.of(1, 10) });
  } finally {
    await session.close();
  }
}

describe('the gradient on a tape', () => {
  it('is added where a value is used twice', async () => {
    const tape = tapeOf();
    const [a, b] = ['a/kernel', 'b/kernel'].map((name) => tape.weight(name, [2])) as [Value, Value];
    const output = sum(tape, sum(tape, scaled(tape, a, 3), a), scaled(tape, scaled(tape, b, 5), 2));
    tape.differentiate(output, tape.graph.input('seed', [2]));
    expect([...(await run(tape, 5))['gradient']!]).toEqual([4, 40, 0, 10, 100]);
  });

  it('stands in manifest order, with 0 for what is not trained', async () => {
    const tape = tapeOf({ trainable: new Set(['b/kernel']) });
    const [a, b] = ['a/kernel', 'b/kernel'].map((name) => tape.weight(name, [2])) as [Value, Value];
    tape.differentiate(sum(tape, a, b), tape.graph.input('seed', [2]));
    expect([...(await run(tape, 5))['gradient']!]).toEqual([0, 0, 0, 1, 10]);
  });

  it('is not asked for where nothing that is trained stands behind', () => {
    const tape = tapeOf({ trainable: new Set(['b/kernel']) });
    const a = tape.weight('a/kernel', [2]);
    const asked: string[] = [];
    const y = tape.record(tape.value('y', [2]), [a], () => asked.push('y'));
    expect(tape.wants(y)).toBe(false);
    tape.differentiate(sum(tape, y, tape.weight('b/kernel', [2])), tape.graph.input('seed', [2]));
    expect(asked).toEqual([]);
  });

  it('is not asked for where the output does not depend on it', () => {
    const tape = tapeOf();
    const asked: string[] = [];
    tape.record(tape.value('unused', [2]), [tape.weight('a/kernel', [2])], () => asked.push('unused'));
    tape.differentiate(tape.weight('b/kernel', [2]), tape.graph.input('seed', [2]));
    expect(asked).toEqual([]);
  });
});

describe('gradients of samples', () => {
  it('are summed, or kept apart for whoever wants them', () => {
    const [together, apart] = [tapeOf({ batch: 2 }), tapeOf({ batch: 2, apart: true })];
    for (const tape of [together, apart]) {
      tape.addSampleGradients('a/kernel', tape.graph.input('rows', [2, 2]));
      tape.addOuterGradients('b/kernel', tape.graph.input('x', [2, 1]), tape.graph.input('dy', [2, 2]));
    }
    expect(together.samples).toEqual([]);
    expect(apart.samples).toMatchObject([{ tensor: 'a/kernel' }, { tensor: 'b/kernel', factors: ['x', 'dy'] }]);
  });

  it('of what is not trained are nobody’s', () => {
    const tape = tapeOf({ apart: true });
    tape.addSampleGradients('a/statistic', tape.graph.input('rows', [1, 1]));
    expect(tape.samples).toEqual([]);
  });
});

describe('a tape', () => {
  it('knows the tensors of its manifest and no others', () => {
    expect(() => tapeOf().weight('c/kernel', [2])).toThrow('tensors of its manifest');
  });

  it('has the channels of an image second, and of everything else last', () => {
    const tape = tapeOf();
    expect(channelsOf(tape.value('image', [8, 3, 28, 20]))).toBe(3);
    expect(channelsOf(tape.value('volume', [8, 2, 9, 28, 20]))).toBe(2);
    expect(channelsOf(tape.value('tokens', [8, 5, 7]))).toBe(7);
    expect(channelsOf(tape.value('row', [8, 4]))).toBe(4);
  });
});
