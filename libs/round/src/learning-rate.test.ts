import { InvariantError } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { learningRateAt, parsePlan } from './index.js';
import { smallPlan } from './plan.fixture.js';

const planWith = (schedule: 'constant' | 'cosine', count: number, learningRate = 0.1) =>
  parsePlan({
    ...smallPlan(),
    training: { ...smallPlan().training, schedule, optimizer: { type: 'sgd', learningRate } },
    rounds: { ...smallPlan().rounds, count },
  });

describe('the learning rate of a round', () => {
  it('stays where it is when it is constant', () => {
    const plan = planWith('constant', 5);
    expect([1, 2, 3, 4, 5].map((round) => learningRateAt(plan, round))).toEqual([0.1, 0.1, 0.1, 0.1, 0.1]);
  });

  it('falls along a cosine to a tenth, as computed in Python', () => {
    // [0.1 * (0.1 + 0.9 * (1 + math.cos(math.pi * k / 4)) / 2) for k in range(5)]
    const golden = [0.1, 0.08681980515339464, 0.05500000000000001, 0.023180194846605367, 0.010000000000000002];
    const plan = planWith('cosine', 5);
    golden.forEach((expected, k) => expect(learningRateAt(plan, k + 1)).toBeCloseTo(expected, 15));
  });

  it('scales with the plan’s value', () => {
    const [small, large] = [planWith('cosine', 9, 0.01), planWith('cosine', 9, 0.5)];
    for (let round = 1; round <= 9; round++) {
      expect(learningRateAt(large, round) / learningRateAt(small, round)).toBeCloseTo(50, 10);
    }
  });

  it('is the plan’s value in the only round', () => {
    expect(learningRateAt(planWith('cosine', 1), 1)).toBe(0.1);
  });

  it.each([0, 6, 1.5, NaN])('does not exist for round %s of 5', (round) => {
    expect(() => learningRateAt(planWith('cosine', 5), round)).toThrow(InvariantError);
  });
});
