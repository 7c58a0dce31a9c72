import type { CoordinatorMessage, Evidence as WireEvidence, RoundRef } from '@consilium/wire';
import { digest, Fault, fromUtf8, runId } from '@consilium/stdx';
import type { Evidence, Instruction } from '../offers.js';

/** Longest time that a round may be announced for: the plan's own limit of a week. */
const DEADLINE_MAX_MS = 604_800_000;

/**
 * What the coordinator said, as one of our instructions. Throws MESSAGE_MALFORMED or REQUEST_INVALID; a second Welcome
 * has no meaning and is malformed too.
 */
export function readInstruction(message: CoordinatorMessage): Instruction {
  if (message.planOffer) {
    const { run, planDigest, planJson, planEnvelope, roster } = message.planOffer;
    return { kind: 'plan', run: runId(run), planDigest: digest(planDigest), planJson, planEnvelope, roster };
  }
  if (message.roundOffer) {
    const { round, planDigest, modelDigest, modelBytes, evaluate, deadlineMs, evidence } = message.roundOffer;
    if (!(modelBytes > 0) || !(deadlineMs > 0)) throw new Fault('MESSAGE_MALFORMED', { field: 'roundOffer' });
    return {
      kind: 'round',
      ...readPass(round),
      planDigest: digest(planDigest),
      modelDigest: digest(modelDigest),
      modelBytes,
      evaluate,
      deadlineMs: Math.min(deadlineMs, DEADLINE_MAX_MS),
      evidence: readEvidence(evidence),
    };
  }
  if (message.evaluationOffer) {
    const { run, planDigest, modelDigest, modelBytes, evidence } = message.evaluationOffer;
    return {
      kind: 'evaluation',
      run: runId(run),
      planDigest: digest(planDigest),
      modelDigest: digest(modelDigest),
      modelBytes,
      evidence: readEvidence(evidence),
    };
  }
  if (message.witnessRequest) {
    const { note, oldSize, consistency } = message.witnessRequest;
    return { kind: 'witness-request', note, oldSize: readSize(oldSize), consistency };
  }
  if (message.witnessAnswer) {
    const { size, cosignature, knownSize } = message.witnessAnswer;
    return {
      kind: 'witness-answer',
      size: readSize(size),
      cosignature: cosignature.byteLength > 0 ? readLine(cosignature) : null,
      knownSize: readSize(knownSize),
    };
  }
  if (message.roundClosed) {
    const { round, outcome } = message.roundClosed;
    return { kind: 'round-closed', ...readPass(round), outcome: oneOf(outcome, ['published', 'abandoned']) };
  }
  if (message.runEnded) {
    const { run, outcome } = message.runEnded;
    return { kind: 'run-ended', run: runId(run), outcome: oneOf(outcome, ['finished', 'failed', 'cancelled']) };
  }
  throw new Fault('MESSAGE_MALFORMED', { field: 'body' });
}

/** An offer without evidence is answered like one whose evidence proves nothing, so it is read as such. */
function readEvidence(evidence: WireEvidence | null): Evidence {
  if (!evidence) return { entry: new Uint8Array(), index: 0, note: new Uint8Array(), inclusion: [] };
  const { entry, index, checkpoint, inclusion } = evidence;
  return { entry, index: readSize(index), note: checkpoint, inclusion };
}

/** 64-bit integers come as numbers: exact up to 2^53 only. */
function readSize(size: number): number {
  if (!Number.isSafeInteger(size) || size < 0) throw new Fault('MESSAGE_MALFORMED', { field: 'size' });
  return size;
}

function readLine(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (error) {
    throw new Fault('MESSAGE_MALFORMED', { field: 'cosignature' }, error);
  }
}

function readPass(ref: RoundRef | null) {
  if (!ref || ref.round < 1 || ref.attempt < 1) throw new Fault('MESSAGE_MALFORMED', { field: 'round' });
  return { run: runId(ref.run), round: ref.round, attempt: ref.attempt };
}

function oneOf<const T extends string>(text: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === text);
  if (!found) throw new Fault('MESSAGE_MALFORMED', { field: 'outcome' });
  return found;
}
