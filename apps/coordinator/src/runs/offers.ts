import type { Plan } from '@consilium/round';
import { utf8, type SiteName } from '@consilium/stdx';
import { safetensorsByteLength, type Manifest } from '@consilium/weights';
import type { CoordinatorMessageInit } from '@consilium/wire';
import type { PlanRecord, RoundRecord, RunRecord } from '../records.js';
import type { Course } from './course.js';

/** What a message needs beside the course. */
export interface OfferTerms {
  readonly record: PlanRecord;
  readonly plan: Plan;
  readonly manifest: Manifest;
}

/** An offer and the name by which its repetition in one session is recognised. */
export interface Offer {
  readonly key: string;
  readonly message: CoordinatorMessageInit;
}

/**
 * What this site still owes the run, if anything. It depends on the stored state alone, never on what was sent before:
 * that is what makes a lost message, a lost session and a restart on either side one case.
 */
export function offerTo(site: SiteName, course: Course, terms: OfferTerms, nowMs: number): Offer | undefined {
  const { run, round } = course;
  const { state } = run;
  switch (state.phase) {
    case 'approval': {
      const decided = state.approved.includes(site) || state.rejected.includes(site);
      return terms.plan.sites.includes(site) && !decided ? planOffer(run, terms) : undefined;
    }
    case 'training':
      return round && owesUpdate(site, round) ? roundOffer(round, terms, nowMs) : undefined;
    case 'evaluation': {
      const owes = state.approved.includes(site) && !state.evaluated.includes(site);
      return owes ? evaluationOffer(run, terms) : undefined;
    }
    default:
      return undefined;
  }
}

/** Whether the round waits for this site's update. */
export function owesUpdate(site: SiteName, { state }: RoundRecord): boolean {
  if (state.phase !== 'reporting') return false;
  return state.participants.includes(site) && !state.reported.includes(site) && !Object.hasOwn(state.dropped, site);
}

/** Whether the base model is measured in this round: every `evaluateEvery` rounds, from the first on. */
export const isMeasured = ({ rounds }: Plan, round: number): boolean => (round - 1) % rounds.evaluateEvery === 0;

function planOffer({ id, planDigest, revision }: RunRecord, { record }: OfferTerms): Offer {
  // The revision is in the key, since a run that was paused asks again.
  return {
    key: `plan ${revision}`,
    message: { planOffer: { run: id, planDigest, planJson: Buffer.from(utf8(record.document)) } },
  };
}

function roundOffer(round: RoundRecord, { record, plan, manifest }: OfferTerms, nowMs: number): Offer {
  return {
    key: `round ${round.number}-${round.attempt}`,
    message: {
      roundOffer: {
        round: roundRef(round),
        planDigest: record.digest,
        modelDigest: round.baseDigest,
        modelBytes: safetensorsByteLength(manifest),
        evaluate: isMeasured(plan, round.number),
        // At least a moment: a site refuses an offer without time, and the deadline itself will close the round.
        deadlineMs: Math.max(1, round.deadlineMs - nowMs),
      },
    },
  };
}

function evaluationOffer({ id, planDigest, modelDigest, deadlineMs }: RunRecord, { manifest }: OfferTerms): Offer {
  const modelBytes = safetensorsByteLength(manifest);
  return {
    key: `evaluation ${modelDigest} ${deadlineMs}`,
    message: { evaluationOffer: { run: id, planDigest, modelDigest, modelBytes } },
  };
}

export const roundClosed = (round: RoundRecord): CoordinatorMessageInit => ({
  roundClosed: { round: roundRef(round), outcome: round.state.phase === 'published' ? 'published' : 'abandoned' },
});

export const runEnded = ({ id, state }: RunRecord): CoordinatorMessageInit => ({
  runEnded: { run: id, outcome: state.phase },
});

const roundRef = ({ run, number, attempt }: RoundRecord) => ({ run, round: number, attempt });
