import { planSchema } from '@consilium/round';
import { z } from 'zod';

/** A complete plan, for the documentation's forms. A test holds it to the real schema. */
export const EXAMPLE_PLAN = {
  schema: 'consilium.plan/1',
  study: 'lung-nodule',
  title: 'Lung nodules, first model',
  purpose: 'Tell malignant from benign nodules, to spare biopsies.',
  federation: 'demo',
  sites: ['hospital-a', 'hospital-b'],
  task: { kind: 'binary-classification', classes: ['benign', 'malignant'] },
  preprocessing: { size: [32, 32], normalise: 'per-image' },
  model: {
    layers: [
      { type: 'input', name: 'image', shape: [32, 32, 1] },
      { type: 'conv2d', name: 'conv1', filters: 16, kernel: [3, 3] },
      { type: 'activation', name: 'relu1', function: 'relu' },
      { type: 'global-average-pool', name: 'pool' },
      { type: 'dense', name: 'logit', units: 1 },
    ],
  },
  training: {
    loss: 'binary-cross-entropy',
    optimizer: { type: 'adam', learningRate: 0.001 },
    batchSize: 32,
    localSteps: 50,
  },
  rounds: { count: 20, minSites: 2, deadlineSeconds: 600 },
  aggregation: { method: 'fedavg', normBound: 100 },
  privacy: { mode: 'plain' },
  seed: 1,
};

/**
 * The plan's schema for the documentation. The real one turns names into types of their own, which JSON Schema cannot
 * say; and it is checked by `parsePlan`, which knows better words.
 */
const { $schema: _dialect, ...planJson } = z.toJSONSchema(planSchema, { target: 'openapi-3.0', io: 'input' });
export const planDocumentSchema = z.looseObject({}).meta({
  ...planJson,
  id: 'Plan',
  description: 'The terms of a run, as data and never as code.',
  example: EXAMPLE_PLAN,
});
