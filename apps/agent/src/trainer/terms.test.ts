import { parsePlan, type Plan } from '@consilium/round';
import { describe, expect, it } from 'vitest';
import { fitTerms } from './terms.js';

const plan = (training: object): Plan =>
  parsePlan({
    schema: 'consilium.plan/1',
    study: 'lung-nodule',
    title: 'Nodule or not',
    purpose: 'Shows the terms.',
    federation: 'demo',
    sites: ['aarhus'],
    task: { kind: 'binary-classification', classes: ['benign', 'malignant'] },
    preprocessing: { size: [8, 8], normalise: 'per-image' },
    model: {
      layers: [
        { type: 'input', name: 'image', shape: [8, 8, 1] },
        { type: 'flatten', name: 'flat' },
        { type: 'dense', name: 'hidden', units: 4 },
        { type: 'dense', name: 'logit', units: 1 },
      ],
    },
    training: {
      loss: 'binary-cross-entropy',
      optimizer: { type: 'adam', learningRate: 0.001 },
      batchSize: 16,
      localSteps: 10,
      ...training,
    },
    rounds: { count: 5, minSites: 1, deadlineSeconds: 600 },
    aggregation: { method: 'fedavg', normBound: 10 },
    privacy: { mode: 'plain' },
    seed: 3,
  });

describe('the terms of a site’s training', () => {
  it('are named by seed, round and site, and not by the attempt', () => {
    expect(fitTerms(plan({}), 2, 'aarhus')).toMatchObject({ seed: [3, 2, 'aarhus'], steps: 10, batchSize: 16 });
  });

  it('hold every training term of the plan: a site must not train by others than it approved', () => {
    const terms = {
      loss: 'focal',
      focalGamma: 1.5,
      roundSchedule: { shape: 'step', every: 3, factor: 0.5, warmUpSteps: 1 },
      weightDecay: 0.01,
      clipNorm: 2,
      proximal: 0.1,
      frozen: ['hidden'],
      classWeights: 'balanced',
      augmentation: { rotateDegrees: 10, intensity: 0.2, elasticPixels: 1 },
    };
    const { augmentation, roundSchedule, ...same } = terms;
    const came = fitTerms(plan(terms), 1, 'aarhus');
    expect(came).toMatchObject({ ...same, schedule: roundSchedule, augmentation });
    // Renamed here or spent on the learning rate; whatever the plan gains must be found in one of these lists.
    const known = ['localSteps', 'schedule', 'roundSchedule', ...Object.keys(came)];
    expect(Object.keys(plan(terms).training).filter((term) => !known.includes(term))).toEqual([]);
  });
});
