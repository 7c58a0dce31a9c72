import { graphSchema, initialise } from '@consilium/model';
import { describe, expect, it } from 'vitest';
import { EVERY_2D_LAYER, jobOn, LOGISTIC } from '../tensorflow/graphs.fixture.js';
import { layerOf, objectiveOf } from './objective.js';

const CLASSES = graphSchema.parse({
  layers: [
    { type: 'input', name: 'features', shape: [3] },
    { type: 'dense', name: 'logits', units: 4 },
  ],
});

describe('a job’s objective', () => {
  it('is binary cross-entropy unless the job names another', () => {
    expect(objectiveOf(jobOn(LOGISTIC))).toMatchObject({
      loss: 'binary-cross-entropy',
      targets: 1,
      classWeights: [1, 1],
    });
  });

  it('weighs as many classes as there are outputs', () => {
    const labels = Uint8Array.from({ length: 24 }, (_, i) => i % 3);
    const job = jobOn(CLASSES, { loss: 'softmax-cross-entropy', labels, classWeights: 'balanced' });
    expect(objectiveOf(job).classWeights).toEqual([1, 1, 1, 1]);
  });

  it('leaves out of training what is frozen, and moving statistics', () => {
    const { trainable } = objectiveOf({ ...jobOn(EVERY_2D_LAYER), frozen: ['conv1', 'norm'] });
    const layers = new Set([...trainable].map(layerOf));
    expect(layers.has('conv1') || layers.has('norm')).toBe(false);
    expect(layers.has('conv2')).toBe(true);
  });
});

describe('refused is', () => {
  it('a model whose output is not what the targets need, by its last layer', () => {
    expect(() => objectiveOf(jobOn(CLASSES))).toThrow(
      expect.objectContaining({
        code: 'GRAPH_INVALID',
        facts: { layer: 'logits', expected: 'an output for the 1 targets of a sample', came: '[4]' },
      }),
    );
  });

  it('more than one risk for Cox', () => {
    const job = jobOn(CLASSES, { loss: 'cox-partial-likelihood', labels: new Float32Array(48) });
    expect(() => objectiveOf(job)).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }));
  });

  it('balancing classes where there are none', () => {
    const job = jobOn(LOGISTIC, { loss: 'mean-squared-error', classWeights: 'balanced' });
    expect(() => objectiveOf(job)).toThrow(
      expect.objectContaining({
        code: 'ENGINE_UNSUPPORTED',
        facts: { feature: 'class weights with mean-squared-error' },
      }),
    );
  });

  it('a job without samples', () => {
    const weights = initialise(LOGISTIC, 1);
    const job = jobOn(LOGISTIC, { weights, count: 0, images: new Float32Array(), labels: new Uint8Array() });
    expect(() => objectiveOf(job)).toThrow(expect.objectContaining({ code: 'DATA_EMPTY' }));
  });
});
