import { seededRandom } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { objectiveOf } from '../fitting/objective.js';
import type { LossName } from '../fitting/loss/loss.js';
import { maskFeeds, targetFeeds } from './feeds.js';
import { gradientJob, MLP, U_NET } from './graphs.fixture.js';

const shares = (values: Float32Array | undefined): number => values!.reduce((sum, value) => sum + value, 0);

describe('targets', () => {
  it.each<[LossName]>([['binary-cross-entropy'], ['focal'], ['dice'], ['mean-squared-error']])(
    'count 1 together, each a share: %s',
    (loss) => {
      const job = gradientJob(U_NET, loss, { count: 3 });
      const feeds = targetFeeds(objectiveOf(job), job.labels, 3);
      expect([...feeds['targets']!]).toEqual([...job.labels]);
      expect(feeds['shares']).toHaveLength(job.labels.length);
      expect(shares(feeds['shares'])).toBeCloseTo(1, 5);
    },
  );

  it('count by the weights of their classes', () => {
    const job = { ...gradientJob(MLP, 'binary-cross-entropy', { count: 6 }), classWeights: 'balanced' } as const;
    // Two of six are positive: weights 6 / (2 · 2) and 6 / (2 · 4).
    const { shares: values } = targetFeeds(objectiveOf(job), job.labels, 6);
    job.labels.forEach((label, i) => expect(values![i]).toBeCloseTo((label === 1 ? 1.5 : 0.75) / 6, 6));
  });
});

describe('masks', () => {
  const layers = [
    { layer: 'a', rate: 0.25, shape: [10, 100] },
    { layer: 'b', rate: 0.5, shape: [5] },
  ];

  it('drop as often as their rate and scale what they keep', () => {
    const { 'dropout/a': mask } = maskFeeds(layers, 4, seededRandom('masks'));
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    expect(mask!.filter((value) => value === 0).length / 4000).toBeCloseTo(0.25, 1);
  });

  it('are the numbers of the stream, layer by layer and sample by sample', () => {
    const random = seededRandom('masks');
    const drawn = Array.from({ length: 4020 }, () => random.uniform());
    const masks = maskFeeds(layers, 4, seededRandom('masks'));
    masks['dropout/a']!.forEach((value, i) => expect(value === 0).toBe(drawn[i]! < 0.25));
    masks['dropout/b']!.forEach((value, i) => expect(value === 0).toBe(drawn[4000 + i]! < 0.5));
  });
});
