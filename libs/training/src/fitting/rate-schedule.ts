/**
 * How the learning rate changes over the steps of one job.
 *
 * | shape | rate at step s of S, after a warm-up of W steps |
 * |---|---|
 * | `constant` | the rate |
 * | `cosine` | rate · (1 + cos(π · (s − W − 1) / (S − W))) / 2: from the rate towards 0 (Loshchilov & Hutter 2017) |
 * | `step` | rate · factor^⌊(s − W − 1) / every⌋ |
 *
 * During the warm-up (Goyal et al. 2017) the rate grows in equal parts: rate · s / W at step s ≤ W.
 */
export type RateSchedule = (
  | { readonly shape: 'constant' | 'cosine' }
  | { readonly shape: 'step'; readonly every: number; readonly factor: number }
) & { readonly warmUpSteps?: number };

/** The rate of a step, counted from 1. */
export function rateAt(schedule: RateSchedule | undefined, rate: number, step: number, steps: number): number {
  if (!schedule) return rate;
  const warmUp = schedule.warmUpSteps ?? 0;
  if (step <= warmUp) return (rate * step) / warmUp;
  const since = step - warmUp - 1;
  switch (schedule.shape) {
    case 'constant':
      return rate;
    case 'cosine':
      return (rate * (1 + Math.cos((Math.PI * since) / (steps - warmUp)))) / 2;
    case 'step':
      return rate * schedule.factor ** Math.floor(since / schedule.every);
  }
}
