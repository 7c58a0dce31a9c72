import { addSignature, encodeBase64, signEnvelope, type SigningKey } from '@consilium/identity';
import { parsePlan, planCanonicalJson, planDigest, requireSignedTerms, type SignedPlan } from '@consilium/round';
import { Fault, fromUtf8, parseShape, utf8, type Digest } from '@consilium/stdx';
import { z } from 'zod';
import type { Coordinator } from '../api/coordinator.js';
import type { PlanDetail } from '../api/shapes.js';
import { completed } from './completed.js';
import { readPlanFile } from './plan-file.js';

/** Another person may sign at the same moment: then the envelope is fetched and signed again. */
const TRIES = 5;

export interface Proposed {
  readonly plan: SignedPlan;
  readonly digest: Digest;
  readonly detail: PlanDetail;
}

/**
 * Has a plan's file completed by the coordinator, signs it with the proposer's key and proposes it. Faults: those of
 * reading a plan; PLAN_INVALID where the coordinator changed more than it may, and nothing is signed then; the
 * coordinator's own.
 */
export async function proposePlan(
  coordinator: Pick<Coordinator, 'completePlan' | 'proposePlan'>,
  file: string,
  key: SigningKey,
): Promise<Proposed> {
  const draft = parsePlan((await readPlanFile(file)).value);
  const plan = completed(draft, (await coordinator.completePlan(draft.study, draft)).plan);
  const detail = await coordinator.proposePlan(plan.study, signEnvelope('plan', plan, [key]));
  return { plan, digest: planDigest(plan), detail };
}

/**
 * The plan that a digest names, as it stands at the coordinator: checked to be that plan, since a person who signs must
 * have read what they sign. Faults: NOT_FOUND; PLAN_NOT_SIGNED where nobody has proposed it; PLAN_DIGEST_MISMATCH.
 */
export async function readProposed(coordinator: Pick<Coordinator, 'plan'>, digest: string): Promise<Proposed> {
  const detail = await coordinator.plan(digest);
  const plan = requireSignedTerms(parsePlan(detail.plan));
  if (planDigest(plan) !== digest) throw new Fault('PLAN_DIGEST_MISMATCH', { planDigest: digest });
  return { plan, digest: planDigest(plan), detail };
}

/**
 * Adds a signature to a plan that was read. The envelope must hold that very plan, whoever has signed it so far. Faults:
 * PLAN_NOT_SIGNED, PLAN_DIGEST_MISMATCH, ALREADY_EXISTS when others sign faster than this, and the coordinator's own.
 */
export async function signProposed(
  coordinator: Pick<Coordinator, 'plan' | 'signPlan'>,
  { plan, digest }: Pick<Proposed, 'plan' | 'digest'>,
  key: SigningKey,
): Promise<PlanDetail> {
  for (let left = TRIES; ; left--) {
    const { envelope } = await coordinator.plan(digest);
    if (envelope === null) throw new Fault('PLAN_NOT_SIGNED', { planDigest: digest });
    const bytes = new Uint8Array(Buffer.from(envelope, 'base64'));
    requireHolds(bytes, plan);
    const signed = addSignature(bytes, 'plan', key);
    try {
      return await coordinator.signPlan(digest, signed);
    } catch (error) {
      if (left <= 1 || !Fault.is(error, 'ALREADY_EXISTS')) throw error;
    }
  }
}

/** A coordinator could show one plan and have another one signed: what is signed is compared with what was read. */
function requireHolds(envelope: Uint8Array, plan: SignedPlan): void {
  const { payload } = parseShape(envelopeShape, readJson(envelope), 'ENVELOPE_INVALID');
  if (payload !== encodeBase64(utf8(planCanonicalJson(plan)))) {
    throw new Fault('PLAN_DIGEST_MISMATCH', { planDigest: planDigest(plan) });
  }
}

const envelopeShape = z.object({ payload: z.string() });

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (error) {
    throw new Fault('ENVELOPE_INVALID', { expected: 'JSON' }, error);
  }
}
