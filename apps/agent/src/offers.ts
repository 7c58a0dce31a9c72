import type { Digest, RunId } from '@consilium/stdx';

/** What the coordinator asks of a site, parsed: ids are ids, digests are digests. */
export interface PlanOffer {
  readonly kind: 'plan';
  readonly run: RunId;
  readonly planDigest: Digest;
  /** Canonical JSON as it came; nothing about it is trusted yet. */
  readonly planJson: Uint8Array;
}

export interface RoundOffer {
  readonly kind: 'round';
  readonly run: RunId;
  readonly round: number;
  readonly attempt: number;
  readonly planDigest: Digest;
  readonly modelDigest: Digest;
  readonly modelBytes: number;
  readonly evaluate: boolean;
  readonly deadlineMs: number;
}

export interface EvaluationOffer {
  readonly kind: 'evaluation';
  readonly run: RunId;
  readonly planDigest: Digest;
  readonly modelDigest: Digest;
  readonly modelBytes: number;
}

export interface RoundClosed {
  readonly kind: 'round-closed';
  readonly run: RunId;
  readonly round: number;
  readonly attempt: number;
  readonly outcome: 'published' | 'abandoned';
}

export interface RunEnded {
  readonly kind: 'run-ended';
  readonly run: RunId;
  readonly outcome: 'finished' | 'failed' | 'cancelled';
}

/** Work that occupies the trainer. */
export type Assignment = RoundOffer | EvaluationOffer;

export type Instruction = PlanOffer | Assignment | RoundClosed | RunEnded;

/** Whether two assignments ask for the same thing: the coordinator offers again whenever a session opens. */
export function sameAssignment(a: Assignment, b: Assignment): boolean {
  if (a.run !== b.run || a.modelDigest !== b.modelDigest || a.kind !== b.kind) return false;
  return a.kind === 'evaluation' || b.kind === 'evaluation' || (a.round === b.round && a.attempt === b.attempt);
}
