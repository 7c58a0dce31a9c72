import type { Policy } from '@consilium/identity';
import type { Findings } from '../findings.js';
import { sizeOf, wasAt, type AnyHistory } from './history.js';

/** The checkpoints that the policy remembers are prefixes of the bundle's logs: an older bundle, however valid, is none. */
export function auditLastSeen(
  { checkpoints }: Policy,
  historyOf: (origin: string) => { readonly history: AnyHistory; readonly year: number } | undefined,
  findings: Findings,
): void {
  for (const { origin, size, root } of checkpoints) {
    const found = historyOf(origin);
    if (!found || size === 0) continue; // a log that is missing or broken has its own finding
    const { history, year } = found;
    const answer = wasAt(history, { year, size, root });
    const [last, expected] = [`${origin}#${size - 1}`, `root ${root} at size ${size}, as last seen`];
    if (answer === 'behind') findings.add('ROLLED_BACK', last, expected, `${sizeOf(history, year)} entries`);
    if (answer === 'other') findings.add('HISTORY_REWRITTEN', last, expected, 'another root at that size');
  }
}
