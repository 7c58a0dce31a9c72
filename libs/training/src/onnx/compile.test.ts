import { graphSchema, inferShapes, manifestOf, trainableTensors, type Graph } from '@consilium/model';
import { describe, expect, it } from 'vitest';
import { EVERY_2D_LAYER, EVERY_3D_LAYER } from '../tensorflow/graphs.fixture.js';
import { compile } from './compile.js';
import { FUSION, RESIDUAL, SMALL_CNN, U_NET } from './graphs.fixture.js';
import { block } from './machines.fixture.js';
import { Session } from './session.js';
import { Tape, type TapeTerms } from './tape.js';

const tapeFor = (graph: Graph, terms: Partial<TapeTerms> = {}): Tape =>
  new Tape({
    batch: 3,
    manifest: manifestOf(graph),
    trainable: trainableTensors(graph),
    mode: 'training',
    block,
    ...terms,
  });

describe('a compiled graph', () => {
  it.each<[string, Graph]>([
    ['images', EVERY_2D_LAYER],
    ['volumes', EVERY_3D_LAYER],
    ['a small CNN', SMALL_CNN],
    ['residual blocks', RESIDUAL],
    ['two inputs', FUSION],
    ['masks', U_NET],
  ])('puts out what the model says, for a batch: %s', async (_, graph) => {
    const tape = tapeFor(graph, { mode: 'inference' });
    const { output } = compile(tape, graph);
    const expected = [3, ...[...inferShapes(graph).values()].at(-1)!];
    expect(output).toMatchObject({ shape: expected, blocked: false });
    // A shape that is not the tensor's would be refused.
    tape.graph.output('y', output.name, expected);
    await (await Session.open(tape.graph.program(), { threads: 1 })).close();
  });

  it('takes the samples as rows, whatever they are', () => {
    const tape = tapeFor(FUSION);
    compile(tape, FUSION);
    expect(tape.graph.program().inputs.get('images')).toEqual([3, 8 * 6 * 2 + 5]);
  });

  it('tells the masks that it wants, in the order of the layers, and none outside of training', () => {
    const graph = graphSchema.parse({
      layers: [
        { type: 'input', name: 'row', shape: [4] },
        { type: 'dropout', name: 'first', rate: 0.5 },
        { type: 'dropout', name: 'none', rate: 0 },
        { type: 'dense', name: 'dense', units: 3 },
        { type: 'dropout', name: 'second', rate: 0.25 },
        { type: 'dense', name: 'logit', units: 1 },
      ],
    });
    const tape = tapeFor(graph);
    expect(compile(tape, graph).dropouts).toEqual([
      { layer: 'first', rate: 0.5, shape: [4] },
      { layer: 'second', rate: 0.25, shape: [3] },
    ]);
    expect(tape.graph.program().inputs.get('dropout/second')).toEqual([3, 3]);
    expect(compile(tapeFor(graph, { mode: 'inference' }), graph).dropouts).toEqual([]);
  });

  it('moves the statistics of the batch norms that are trained, in training', () => {
    const moved = (terms: Partial<TapeTerms>): string[] => {
      const tape = tapeFor(RESIDUAL, terms);
      compile(tape, RESIDUAL);
      return [...tape.statistics.keys()];
    };
    expect(moved({})).toHaveLength(2 * 6);
    expect(moved({ mode: 'inference' })).toEqual([]);
    expect(moved({ trainable: trainableTensors(RESIDUAL, ['stem_norm']) })).not.toContain('stem_norm/moving_mean');
  });
});
