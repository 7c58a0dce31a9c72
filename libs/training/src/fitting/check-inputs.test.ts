import { graphSchema, initialise, manifestOf } from '@consilium/model';
import { layoutManifest, zeros } from '@consilium/weights';
import { describe, expect, it } from 'vitest';
import { checkInputs } from './check-inputs.js';
import { EVERY_2D_LAYER, LOGISTIC } from '../tensorflow/graphs.fixture.js';

const weights = initialise(LOGISTIC, 1);

describe('inputs that fit', () => {
  it('tell manifest and shapes', () => {
    expect(checkInputs(LOGISTIC, weights, new Float32Array(6), 2)).toEqual({
      manifest: manifestOf(LOGISTIC),
      inputShapes: [[3]],
      outputShape: [1],
      row: 3,
      outputs: 1,
    });
    const none = checkInputs(EVERY_2D_LAYER, initialise(EVERY_2D_LAYER, 1), new Float32Array(), 0);
    expect(none.inputShapes).toEqual([[12, 10, 2]]);
  });
});

describe('refused are', () => {
  it.each([
    [
      'a tensor of another name',
      [
        { name: 'other/kernel', shape: [3, 1] },
        { name: 'logit/bias', shape: [1] },
      ],
    ],
    [
      'a tensor of another shape',
      [
        { name: 'logit/kernel', shape: [1, 3] },
        { name: 'logit/bias', shape: [1] },
      ],
    ],
    ['a missing tensor', [{ name: 'logit/kernel', shape: [3, 1] }]],
    [
      'another order',
      [
        { name: 'logit/bias', shape: [1] },
        { name: 'logit/kernel', shape: [3, 1] },
      ],
    ],
  ])('weights with %s', (_, tensors) => {
    const other = zeros(layoutManifest(tensors));
    expect(() => checkInputs(LOGISTIC, other, new Float32Array(3), 1)).toThrow(
      expect.objectContaining({ code: 'WEIGHTS_MISMATCH' }),
    );
  });

  it('a number that an embedding does not list, by the layer and the sample', () => {
    const graph = graphSchema.parse({
      layers: [
        { type: 'input', name: 'codes', shape: [2] },
        { type: 'embedding', name: 'lookup', vocabulary: 5, units: 3 },
      ],
    });
    const rows = Float32Array.of(0, 4, 1, 5);
    expect(() => checkInputs(graph, initialise(graph, 1), rows, 2)).toThrow(
      expect.objectContaining({
        code: 'GRAPH_INVALID',
        facts: expect.objectContaining({ layer: 'lookup', sample: 1 }),
      }),
    );
  });

  it('images that are too few or too many, as our own bug', () => {
    for (const length of [0, 2, 4, 6]) {
      expect(() => checkInputs(LOGISTIC, weights, new Float32Array(length), 1)).toThrow('images fill the shape');
    }
  });
});
