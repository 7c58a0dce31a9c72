import { invariant } from '@consilium/stdx';

/** Ranges that stand for counts of people in a log: an exact small count could point to one of them. */
export const BUCKETS = ['0', '1-9', '10-49', '50-99', '100-499', '500-999', '1000-4999', '5000+'] as const;
export type Bucket = (typeof BUCKETS)[number];

const LOWEST: readonly (readonly [number, Bucket])[] = [
  [5000, '5000+'],
  [1000, '1000-4999'],
  [500, '500-999'],
  [100, '100-499'],
  [50, '50-99'],
  [10, '10-49'],
  [1, '1-9'],
];

/** The range that a count (an integer ≥ 0) falls into. */
export function bucketOf(count: number): Bucket {
  invariant(Number.isSafeInteger(count) && count >= 0, 'a count is an integer of at least 0');
  return LOWEST.find(([lowest]) => count >= lowest)?.[1] ?? '0';
}
