import { invariant } from '@consilium/stdx';

/** How many of n sites may collude with the coordinator without being able to show two histories: ⌊(n − 1) / 3⌋. */
export function toleratedFaults(n: number): number {
  invariant(Number.isSafeInteger(n) && n >= 1, 'a federation has at least one site');
  return Math.floor((n - 1) / 3);
}

/**
 * How many of n sites must have cosigned a checkpoint before any of them acts on it: ⌊(n + f) / 2⌋ + 1. Two such groups
 * share more than f sites, so at least one honest one, which cosigns one history only.
 */
export const quorumOf = (n: number): number => Math.floor((n + toleratedFaults(n)) / 2) + 1;
