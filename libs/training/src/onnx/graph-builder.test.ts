import { describe, expect, it } from 'vitest';
import { GraphBuilder } from './graph-builder.js';
import { Session, type Arrays } from './session.js';

/** Runs what was built. */
async function run(graph: GraphBuilder, feeds: Arrays): Promise<Arrays> {
  const session = await Session.open(graph.program(), { threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** One result of an operation on a [2, 3] tensor of 1 to 6. */
async function resultOf(build: (graph: GraphBuilder, x: string) => string, shape: number[]): Promise<number[]> {
  const graph = new GraphBuilder();
  const x = graph.input('x', [2, 3]);
  graph.output('y', build(graph, x), shape);
  return [...(await run(graph, { x: Float32Array.of(1, 2, 3, 4, 5, 6) }))['y']!];
}

describe('a graph that was built', () => {
  it('is one that ONNX Runtime computes', async () => {
    const twice = await resultOf((graph, x) => graph.op('Add', [graph.scale(x, 2), graph.number(1)]), [2, 3]);
    expect(twice).toEqual([3, 5, 7, 9, 11, 13]);
  });

  it.each<[string, (graph: GraphBuilder, x: string) => string, number[], number[]]>([
    ['a transposition', (graph, x) => graph.transpose(x, [1, 0]), [3, 2], [1, 4, 2, 5, 3, 6]],
    ['a transposition that moves nothing', (graph, x) => graph.transpose(x, [0, 1]), [2, 3], [1, 2, 3, 4, 5, 6]],
    ['another shape', (graph, x) => graph.reshape(x, [6]), [6], [1, 2, 3, 4, 5, 6]],
    ['a sum over an axis', (graph, x) => graph.sum(x, [0]), [3], [5, 7, 9]],
    ['a sum that keeps its axis', (graph, x) => graph.sum(x, [1], true), [2, 1], [6, 15]],
    ['a mean', (graph, x) => graph.mean(x, [1]), [2], [2, 5]],
    ['a slice', (graph, x) => graph.slice(x, [1], [1], [3]), [2, 2], [2, 3, 5, 6]],
    ['a slice by steps', (graph, x) => graph.slice(x, [1], [0], [3], [2]), [2, 2], [1, 3, 4, 6]],
    ['a slice backwards', (graph, x) => graph.slice(x, [1], [2], [-(2 ** 31)], [-1]), [2, 3], [3, 2, 1, 6, 5, 4]],
    ['zeros around', (graph, x) => graph.pad(x, [0, 1], [0, 0]), [2, 4], [0, 1, 2, 3, 0, 4, 5, 6]],
    ['no zeros around', (graph, x) => graph.pad(x, [0, 0], [0, 0]), [2, 3], [1, 2, 3, 4, 5, 6]],
    ['parts side by side', (graph, x) => graph.concat([x, x], 0), [4, 3], [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]],
    ['a part', (graph, x) => graph.split(x, 1, [2, 1])[1]!, [2, 1], [3, 6]],
    ['a product with 1, which costs nothing', (graph, x) => graph.scale(x, 1), [2, 3], [1, 2, 3, 4, 5, 6]],
    [
      'a constant',
      (graph, x) => graph.op('Mul', [x, graph.constant(Float32Array.of(1, 0, -1), [3])]),
      [2, 3],
      [1, 0, -3, 4, 0, -6],
    ],
  ])('computes %s', async (_, build, shape, expected) => {
    expect(await resultOf(build, shape)).toEqual(expected);
  });

  it('keeps one constant for equal numbers and lists', () => {
    const graph = new GraphBuilder();
    expect(graph.number(2)).toBe(graph.number(2));
    expect(graph.integers([1, 2])).toBe(graph.integers([1, 2]));
    expect(graph.integers([1, 2])).not.toBe(graph.integers([12]));
    expect(graph.number(1)).not.toBe(graph.integers([1]));
  });

  it('tells the shapes of what it is fed with', () => {
    const graph = new GraphBuilder();
    graph.input('a', [2, 3]);
    graph.input('b', []);
    expect([...graph.program().inputs]).toEqual([
      ['a', [2, 3]],
      ['b', []],
    ]);
  });

  it('refuses a constant that does not fill its shape', () => {
    expect(() => new GraphBuilder().constant(Float32Array.of(1, 2), [3])).toThrow('fill their shape');
  });
});

describe('a session', () => {
  it('refuses to run without what the program wants', async () => {
    const graph = new GraphBuilder();
    graph.output('y', graph.input('x', [1]), [1]);
    await expect(run(graph, {})).rejects.toThrow('fed with all');
  });

  it('gives arrays that a later run does not change', async () => {
    const graph = new GraphBuilder();
    graph.output('y', graph.scale(graph.input('x', [1]), 2), [1]);
    const session = await Session.open(graph.program(), { threads: 1 });
    const first = await session.run({ x: Float32Array.of(1) });
    await session.run({ x: Float32Array.of(5) });
    expect(first['y']).toEqual(Float32Array.of(2));
    await session.close();
  });

  it('names an operator that this release lacks', async () => {
    const graph = new GraphBuilder();
    const DOUBLE = 11;
    const determinant = graph.op('Det', [graph.op('Cast', [graph.input('x', [2, 2])], { to: DOUBLE })]);
    graph.output('y', graph.op('Cast', [determinant], { to: 1 }), []);
    await expect(run(graph, { x: new Float32Array(4) })).rejects.toMatchObject({ code: 'ENGINE_UNSUPPORTED' });
  });
});
