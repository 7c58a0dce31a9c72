import { bar } from '../text/bar.js';
import type { Paint } from '../text/colour.js';
import { countdown, percent } from '../text/numbers.js';
import { fit, padEnd, padStart, widthOf } from '../text/width.js';
import type { BaselineProgress } from './baselines.js';

/** The comparison's trainings, one bar each, and about how long they still take. */
export function baselineBoard(
  jobs: readonly BaselineProgress[],
  { width, usedMs, paint }: { width: number; usedMs: number; paint: Paint },
): string[] {
  const titles = Math.max(0, ...jobs.map((job) => widthOf(job.title)));
  const barColumns = Math.max(8, Math.min(40, width - titles - 8));
  const left = remainingMs(jobs, usedMs);
  return [
    ...jobs.map((job) =>
      fit(
        `${padEnd(job.title, titles)}  ${bar(job.share, barColumns, paint)} ${padStart(percent(job.share), 5)}`,
        width,
      ),
    ),
    ...(left === undefined ? [] : [paint.dim(`about ${countdown(left)} left`)]),
  ];
}

/** Too little is done before this share to say anything. */
const SHARE_MIN = 0.05;

/** What is left takes as long for its share as what is done did. */
export function remainingMs(jobs: readonly BaselineProgress[], usedMs: number): number | undefined {
  const share = jobs.reduce((sum, job) => sum + job.share, 0) / Math.max(1, jobs.length);
  return share < SHARE_MIN || share >= 1 ? undefined : (usedMs * (1 - share)) / share;
}
