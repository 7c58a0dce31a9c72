import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateAt, type RateSchedule } from './rate-schedule.js';

const rates = (schedule: RateSchedule | undefined, steps: number): number[] =>
  Array.from({ length: steps }, (_, i) => rateAt(schedule, 0.1, i + 1, steps));

const expectClose = (came: number[], expected: number[]): void =>
  expected.forEach((value, i) => expect(came[i]).toBeCloseTo(value, 12));

describe('the learning rate within a job', () => {
  it('stays as it is without a schedule', () => {
    expect(rates(undefined, 3)).toEqual([0.1, 0.1, 0.1]);
    expect(rates({ shape: 'constant' }, 3)).toEqual([0.1, 0.1, 0.1]);
  });

  it('falls along a cosine as PyTorch’s CosineAnnealingLR', () => {
    // torch.optim.lr_scheduler.CosineAnnealingLR(T_max=4), lr 0.1
    expectClose(rates({ shape: 'cosine' }, 4), [0.1, 0.08535533905932738, 0.05, 0.014644660940672627]);
  });

  it('falls in steps as PyTorch’s StepLR', () => {
    expectClose(rates({ shape: 'step', every: 2, factor: 0.5 }, 5), [0.1, 0.1, 0.05, 0.05, 0.025]);
  });

  it('grows in equal parts while it warms up, and then begins', () => {
    expectClose(
      rates({ shape: 'step', every: 1, factor: 0.1, warmUpSteps: 4 }, 6),
      [0.025, 0.05, 0.075, 0.1, 0.1, 0.01],
    );
    expectClose(rates({ shape: 'cosine', warmUpSteps: 2 }, 4), [0.05, 0.1, 0.1, 0.05]);
  });

  it('is never negative, and never above its value', () => {
    const schedules: RateSchedule[] = [
      { shape: 'cosine', warmUpSteps: 3 },
      { shape: 'step', every: 4, factor: 0.3 },
    ];
    fc.assert(
      fc.property(fc.constantFrom(...schedules), fc.integer({ min: 1, max: 60 }), (schedule, steps) => {
        for (const rate of rates(schedule, steps)) {
          expect(rate).toBeGreaterThanOrEqual(0);
          expect(rate).toBeLessThanOrEqual(0.1 + 1e-15);
        }
      }),
    );
  });
});
