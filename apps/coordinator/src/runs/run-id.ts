import { randomInt } from 'node:crypto';
import { runId, type RunId } from '@consilium/stdx';

const RANDOM_DIGITS = 6;

/** A new run's id: the time in base 36, so that ids sort by age, and six random digits (2³¹ values) against two in one millisecond. */
export function mintRunId(nowMs: number): RunId {
  const random = Array.from({ length: RANDOM_DIGITS }, () => randomInt(36).toString(36)).join('');
  return runId(`run-${nowMs.toString(36).padStart(8, '0')}${random}`);
}
