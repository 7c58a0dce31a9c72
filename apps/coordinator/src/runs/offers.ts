import type { Plan, SignedPlan } from '@consilium/round';
import { utf8, type SiteName } from '@consilium/stdx';
import { safetensorsByteLength, type Manifest } from '@consilium/weights';
import type { CoordinatorMessageInit } from '@consilium/wire';
import type { PlanRecord, RoundRecord, RunRecord } from '../records.js';
import type { SentEvidence } from '../ledger/evidence.js';
import type { Course } from './course.js';
import { subjectOfEvaluation, subjectOfRound } from './events.js';

/** What a message needs beside the course. */
export interface OfferTerms {
  readonly record: PlanRecord;
  readonly plan: SignedPlan;
  readonly manifest: Manifest;
  /** The plan with its signatures, and the roster that vouches for them: the documents that the run started with. */
  readonly envelope: Uint8Array;
  readonly roster: Uint8Array;
}

/** An offer and the name by which its repetition in one session is recognised. */
export interface Offer {
  readonly key: string;
  readonly message: CoordinatorMessageInit;
}

/** An offer on which the site acts only when it is shown evidence for this entry of the ledger; null for none. */
export interface ProvableOffer extends Offer {
  readonly subject: string | null;
}

/** The offer with its evidence. */
export function withEvidence({ key, message }: ProvableOffer, evidence: SentEvidence): Offer {
  const sent = { ...evidence, inclusion: [...evidence.inclusion] };
  const { roundOffer, evaluationOffer } = message;
  if (roundOffer) return { key, message: { roundOffer: { ...roundOffer, evidence: sent } } };
  return { key, message: { evaluationOffer: { ...evaluationOffer, evidence: sent } } };
}

/**
 * What this site still owes the run, if anything. It depends on the stored state alone, never on what was sent before:
 * that is what makes a lost message, a lost session and a restart on either side one case.
 */
export function offerTo(site: SiteName, course: Course, terms: OfferTerms, nowMs: number): ProvableOffer | undefined {
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

function planOffer({ id, planDigest, revision }: RunRecord, terms: OfferTerms): ProvableOffer {
  const planJson = Buffer.from(utf8(terms.record.document));
  const [planEnvelope, roster] = [Buffer.from(terms.envelope), Buffer.from(terms.roster)];
  // The revision is in the key, since a run that was paused asks again.
  return {
    key: `plan ${revision}`,
    subject: null,
    message: { planOffer: { run: id, planDigest, planJson, planEnvelope, roster } },
  };
}

function roundOffer(round: RoundRecord, { record, plan, manifest }: OfferTerms, nowMs: number): ProvableOffer {
  return {
    key: `round ${round.number}-${round.attempt}`,
    subject: subjectOfRound(roundRef(round)),
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

function evaluationOffer(
  { id, planDigest, modelDigest, deadlineMs }: RunRecord,
  { manifest }: OfferTerms,
): ProvableOffer {
  const modelBytes = safetensorsByteLength(manifest);
  return {
    key: `evaluation ${modelDigest} ${deadlineMs}`,
    subject: subjectOfEvaluation(id),
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
