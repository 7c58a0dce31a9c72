import type { Digest, RunId } from '@consilium/stdx';

/** What the coordinator asks of a site, parsed: ids are ids, digests are digests. Nothing of it is trusted yet. */
export interface PlanOffer {
  readonly kind: 'plan';
  readonly run: RunId;
  readonly planDigest: Digest;
  /** Canonical JSON as it came. */
  readonly planJson: Uint8Array;
  /** The plan as a document that its proposer and an admin have signed. */
  readonly planEnvelope: Uint8Array;
  /** The roster that vouches for their keys, as a document that the root has signed. */
  readonly roster: Uint8Array;
}

/** That the offer stands in the coordinator's log, under a checkpoint that sites have witnessed. */
export interface Evidence {
  /** The entry as it is hashed. */
  readonly entry: Uint8Array;
  readonly index: number;
  /** The checkpoint with its cosignatures, as a signed note. */
  readonly note: Uint8Array;
  readonly inclusion: readonly Uint8Array[];
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
  readonly evidence: Evidence;
}

export interface EvaluationOffer {
  readonly kind: 'evaluation';
  readonly run: RunId;
  readonly planDigest: Digest;
  readonly modelDigest: Digest;
  readonly modelBytes: number;
  readonly evidence: Evidence;
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

/** The coordinator asks this site to witness its log. */
export interface WitnessRequest {
  readonly kind: 'witness-request';
  readonly note: Uint8Array;
  /** The size from which `consistency` proves that the log was only appended to. */
  readonly oldSize: number;
  readonly consistency: readonly Uint8Array[];
}

/** The coordinator's answer to a checkpoint of this site's own log. */
export interface WitnessAnswer {
  readonly kind: 'witness-answer';
  readonly size: number;
  /** One signature line of a note; null when refused. */
  readonly cosignature: string | null;
  /** The largest size that the coordinator has cosigned. */
  readonly knownSize: number;
}

/** Work that occupies the trainer. */
export type Assignment = RoundOffer | EvaluationOffer;

export type Instruction = PlanOffer | Assignment | RoundClosed | RunEnded | WitnessRequest | WitnessAnswer;

/** Whether two assignments ask for the same thing: the coordinator offers again whenever a session opens. */
export function sameAssignment(a: Assignment, b: Assignment): boolean {
  if (a.run !== b.run || a.modelDigest !== b.modelDigest || a.kind !== b.kind) return false;
  return a.kind === 'evaluation' || b.kind === 'evaluation' || (a.round === b.round && a.attempt === b.attempt);
}
