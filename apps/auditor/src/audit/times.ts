import type { Cosigned } from './witnesses.js';

/**
 * When an entry was made, as far as others attest it: after the last moment at which a witness cosigned a log without
 * it, and before the first at which one cosigned a log with it. UTC milliseconds by the witnesses' clocks. The entry's
 * own time is only its writer's claim.
 */
export interface Interval {
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  readonly claimed: number;
}

/** A witness may cosign an older state late, so `notBefore` is what the witness was shown, not a proof of absence. */
export function intervalOf(
  entry: { readonly year: number; readonly index: number; readonly at: number },
  cosigned: readonly Cosigned[],
): Interval {
  const ofYear = cosigned.filter(({ year }) => year === entry.year);
  const without = ofYear.filter(({ size }) => size <= entry.index).map(({ at }) => at);
  const withIt = ofYear.filter(({ size }) => size > entry.index).map(({ at }) => at);
  const notAfter = withIt.length > 0 ? Math.min(...withIt) : null;
  const earlier = notAfter === null ? without : without.filter((at) => at <= notAfter);
  return { notBefore: earlier.length > 0 ? Math.max(...earlier) : null, notAfter, claimed: entry.at };
}

/** Clocks of hospitals differ; beyond this the claim is worth a note. */
const TOLERANCE_MS = 5 * 60_000;

/** Whether an entry claims a time that the witnesses contradict. */
export const isImplausible = ({ notBefore, notAfter, claimed }: Interval): boolean =>
  (notBefore !== null && claimed < notBefore - TOLERANCE_MS) ||
  (notAfter !== null && claimed > notAfter + TOLERANCE_MS);

/** `2026-11-25 03:04:05 – 03:04:09 UTC`, or what of it is known. */
export function formatInterval({ notBefore, notAfter, claimed }: Interval): string {
  const text = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
  if (notBefore !== null && notAfter !== null) {
    const [from, to] = [text(notBefore), text(notAfter)];
    return `${from} – ${to.startsWith(from.slice(0, 10)) ? to.slice(11) : to} UTC`;
  }
  if (notAfter !== null) return `before ${text(notAfter)} UTC`;
  if (notBefore !== null) return `after ${text(notBefore)} UTC`;
  return `${text(claimed)} UTC (claimed, not witnessed)`;
}
