import type { CoordinatorMessage, RoundRef } from '@consilium/wire';
import { digest, Fault, runId } from '@consilium/stdx';
import type { Instruction } from '../offers.js';

/** Longest time that a round may be announced for: the plan's own limit of a week. */
const DEADLINE_MAX_MS = 604_800_000;

/**
 * What the coordinator said, as one of our instructions. Throws MESSAGE_MALFORMED or REQUEST_INVALID; a second Welcome
 * has no meaning and is malformed too.
 */
export function readInstruction(message: CoordinatorMessage): Instruction {
  if (message.planOffer) {
    const { run, planDigest, planJson } = message.planOffer;
    return { kind: 'plan', run: runId(run), planDigest: digest(planDigest), planJson };
  }
  if (message.roundOffer) {
    const { round, planDigest, modelDigest, modelBytes, evaluate, deadlineMs } = message.roundOffer;
    if (!(modelBytes > 0) || !(deadlineMs > 0)) throw new Fault('MESSAGE_MALFORMED', { field: 'roundOffer' });
    return {
      kind: 'round',
      ...readPass(round),
      planDigest: digest(planDigest),
      modelDigest: digest(modelDigest),
      modelBytes,
      evaluate,
      deadlineMs: Math.min(deadlineMs, DEADLINE_MAX_MS),
    };
  }
  if (message.evaluationOffer) {
    const { run, planDigest, modelDigest, modelBytes } = message.evaluationOffer;
    return {
      kind: 'evaluation',
      run: runId(run),
      planDigest: digest(planDigest),
      modelDigest: digest(modelDigest),
      modelBytes,
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

function readPass(ref: RoundRef | null) {
  if (!ref || ref.round < 1 || ref.attempt < 1) throw new Fault('MESSAGE_MALFORMED', { field: 'round' });
  return { run: runId(ref.run), round: ref.round, attempt: ref.attempt };
}

function oneOf<const T extends string>(text: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === text);
  if (!found) throw new Fault('MESSAGE_MALFORMED', { field: 'outcome' });
  return found;
}
