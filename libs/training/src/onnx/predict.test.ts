import { graphSchema, initialise, type Graph } from '@consilium/model';
import { weightsOf } from '@consilium/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine, type Engine } from '../engine.js';
import { EVERY_2D_LAYER, EVERY_3D_LAYER, jobOn, LOGISTIC } from '../tensorflow/graphs.fixture.js';
import { FUSION, RESIDUAL, U_NET } from './graphs.fixture.js';
import { MACHINES, plain, relativeError } from './machines.fixture.js';
import { gradientJob } from './graphs.fixture.js';
import { predict } from './predict.js';

let wasm: Engine;
beforeAll(async () => (wasm = await openEngine('wasm', LOGISTIC)));
afterAll(() => wasm.close());

describe.each(MACHINES)('prediction in the %s layout', (_, machine) => {
  it.each<[string, Graph]>([
    ['every layer for images', EVERY_2D_LAYER],
    ['every layer for volumes', EVERY_3D_LAYER],
    ['residual blocks', RESIDUAL],
    ['image and table', FUSION],
    ['masks', U_NET],
  ])('is that of the reference: %s', async (__, graph) => {
    const { images, count } = gradientJob(graph, 'mean-squared-error', { count: 5 });
    const weights = initialise(graph, 3);
    const [ours, theirs] = [
      await predict(graph, weights, images, count, machine),
      await wasm.predict(graph, weights, images, count),
    ];
    expect(relativeError(ours, theirs)).toBeLessThan(1e-5);
  });

  it('does not depend on how many images go through at once', async () => {
    const { images } = jobOn(EVERY_2D_LAYER, { count: 300 });
    const weights = initialise(EVERY_2D_LAYER, 1);
    const all = await predict(EVERY_2D_LAYER, weights, images, 300, machine);
    const last = await predict(EVERY_2D_LAYER, weights, images.slice((images.length / 300) * 299), 1, machine);
    expect(last[0]).toBeCloseTo(all[299]!, 6);
  });
});

describe('prediction', () => {
  it('of nothing is nothing', async () => {
    expect(await predict(LOGISTIC, initialise(LOGISTIC, 1), new Float32Array(), 0, plain)).toEqual(new Float32Array());
  });

  it('of a model without tensors is what its layers make of the samples', async () => {
    const graph = graphSchema.parse({
      layers: [
        { type: 'input', name: 'image', shape: [2, 2, 1] },
        { type: 'global-average-pool', name: 'mean' },
      ],
    });
    const outputs = await predict(graph, initialise(graph, 1), Float32Array.of(1, 2, 3, 6), 1, plain, 'none');
    expect([...outputs]).toEqual([3]);
  });

  it('is told as the head says', async () => {
    const graph = graphSchema.parse({ layers: [LOGISTIC.layers[0], { type: 'dense', name: 'logits', units: 3 }] });
    const ask = (head: 'none' | 'sigmoid' | 'softmax') =>
      predict(graph, initialise(graph, 1), Float32Array.of(1, 2, 3), 1, plain, head);
    const [none, sigmoid, softmax] = [await ask('none'), await ask('sigmoid'), await ask('softmax')];
    none.forEach((z, i) => expect(sigmoid[i]).toBeCloseTo(1 / (1 + Math.exp(-z)), 6));
    expect(softmax.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
  });

  it('is refused for weights that give no number', async () => {
    const { manifest } = initialise(LOGISTIC, 1);
    const weights = weightsOf(manifest, new Float32Array(manifest.size).fill(NaN));
    await expect(predict(LOGISTIC, weights, new Float32Array(6), 2, plain)).rejects.toMatchObject({
      code: 'TRAINING_NOT_FINITE',
      facts: { example: 0 },
    });
  });
});
