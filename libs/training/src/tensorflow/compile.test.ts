import { graphSchema, initialise, LAYER_TYPES, manifestOf, trainableTensors } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import type { Tensor } from '@tensorflow/tfjs-core';
import { ones, tensor, tidy } from './tfjs.js';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from './backend.js';
import { compile } from './compile.js';
import { EVERY_2D_LAYER, EVERY_3D_LAYER, EVERY_OTHER_LAYER } from './graphs.fixture.js';
import { Variables } from './variables.js';

const models: ReturnType<typeof compile>[] = [];
function compiled(...args: Parameters<typeof compile>): ReturnType<typeof compile> {
  const model = compile(...args);
  models.push(model);
  return model;
}

beforeAll(() => activateBackend('wasm'));
afterEach(() => models.splice(0).forEach((model) => model.dispose()));

describe('the graphs of these tests', () => {
  it('have every layer of the vocabulary', () => {
    const graphs = [EVERY_2D_LAYER, EVERY_3D_LAYER, EVERY_OTHER_LAYER];
    const used = new Set(graphs.flatMap(({ layers }) => layers.map(({ type }) => type)));
    expect(LAYER_TYPES.filter((type) => !used.has(type))).toEqual([]);
  });
});

describe('a compiled graph', () => {
  it.each([
    ['images', EVERY_2D_LAYER],
    ['volumes', EVERY_3D_LAYER],
    ['two inputs and all other layers', EVERY_OTHER_LAYER],
  ])('has our layer names and one logit for %s', (_, graph) => {
    const model = compiled(graph);
    expect(model.layers.map(({ name }) => name).sort()).toEqual(graph.layers.map(({ name }) => name).sort());
    expect(model.outputs[0]!.shape).toEqual([null, 1]);
  });

  it.each([
    ['images', EVERY_2D_LAYER],
    ['volumes', EVERY_3D_LAYER],
    ['two inputs and all other layers', EVERY_OTHER_LAYER],
  ])('takes weights in our order and gives them back, for %s', (_, graph) => {
    const weights = initialise(graph, 5);
    weights.values.forEach((_value, i) => (weights.values[i] = i));
    const variables = new Variables(compiled(graph), weights.manifest, trainableTensors(graph));
    variables.write(weights.values);
    const read = new Float32Array(weights.manifest.size);
    variables.readInto(read);
    expect(read).toEqual(weights.values);
  });

  it('may be compiled many times under the same names', () => {
    const manifest = manifestOf(EVERY_2D_LAYER);
    for (let i = 0; i < 3; i++) {
      expect(() => new Variables(compiled(EVERY_2D_LAYER), manifest, trainableTensors(EVERY_2D_LAYER))).not.toThrow();
    }
  });

  it('trains all but moving statistics', () => {
    const variables = new Variables(
      compiled(EVERY_2D_LAYER),
      manifestOf(EVERY_2D_LAYER),
      trainableTensors(EVERY_2D_LAYER),
    );
    expect(variables.trainable).toHaveLength(manifestOf(EVERY_2D_LAYER).tensors.length - 2);
  });

  it('takes several inputs in the order of the graph', () => {
    const graph = graphSchema.parse({
      layers: [
        { type: 'input', name: 'a', shape: [2] },
        { type: 'input', name: 'b', shape: [2] },
        { type: 'concat', name: 'joined', from: ['b', 'a', 'b'] },
      ],
    });
    const model = compiled(graph);
    const output = tidy(() => [...(model.apply([tensor([[1, 2]]), tensor([[3, 4]])]) as Tensor).dataSync()]);
    expect(output).toEqual([3, 4, 1, 2, 3, 4]);
  });

  it('is refused as the graph is', () => {
    const graph = {
      layers: [
        { type: 'input', name: 'x', shape: [3] },
        { type: 'flatten', name: 'f' },
      ],
    } as const;
    expect(() => compile(graph as never)).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }));
  });
});

describe('dropout', () => {
  const graph = graphSchema.parse({
    layers: [
      { type: 'input', name: 'x', shape: [1000] },
      { type: 'dropout', name: 'drop', rate: 0.25 },
    ],
  });
  const outputs = (seed: number, training: boolean, steps: number): Float32Array[] => {
    const model = compiled(graph, seededRandom('test', seed));
    return Array.from({ length: steps }, () =>
      tidy(() => (model.apply(ones([1, 1000]), { training }) as Tensor).dataSync<'float32'>().slice()),
    );
  };

  it('drops a quarter and scales the rest up', () => {
    const [values] = outputs(1, true, 1);
    const kept = values!.filter((value) => value !== 0);
    expect(kept.length).toBeGreaterThan(700);
    expect(kept.length).toBeLessThan(800);
    expect(new Set(kept)).toEqual(new Set([Math.fround(4 / 3)]));
  });

  it('drops others in each step, which upstream’s layer with a seed does not', () => {
    const [first, second] = outputs(1, true, 2);
    expect(second).not.toEqual(first);
  });

  it('drops the same for the same seed', () => {
    expect(outputs(1, true, 3)).toEqual(outputs(1, true, 3));
    expect(outputs(2, true, 1)).not.toEqual(outputs(1, true, 1));
  });

  it('drops nothing in prediction', () => {
    expect(outputs(1, false, 1)[0]).toEqual(new Float32Array(1000).fill(1));
  });
});
