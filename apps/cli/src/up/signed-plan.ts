import { addSignature, signEnvelope, type SigningKey } from '@consilium/identity';
import { planDigest, type Plan } from '@consilium/round';
import { Fault, type Digest } from '@consilium/stdx';
import type { Coordinator } from '../api/coordinator.js';
import type { PlanDetail } from '../api/shapes.js';
import { completed } from '../study/completed.js';
import type { PersonRole } from './layout.js';

type PlanApi = Pick<Coordinator, 'completePlan' | 'plan' | 'proposePlan' | 'signPlan'>;

/**
 * Lets the coordinator complete the draft, and has it signed by the proposer and by the admin, in this order. It looks
 * before it acts, so that it may be called again. Answers the digest by which the plan is run.
 *
 * Faults: PLAN_INVALID where what came back says other than the draft, and nothing is signed; the plan's refusal where
 * it may not run although both have signed.
 */
export async function signedPlan(
  coordinator: PlanApi,
  draft: Plan,
  keys: Readonly<Record<PersonRole, SigningKey>>,
): Promise<Digest> {
  const plan = completed(draft, (await coordinator.completePlan(draft.study, draft)).plan);
  const digest = planDigest(plan);
  const proposed = signEnvelope('plan', plan, [keys.proposer]);
  let detail = (await find(coordinator, digest)) ?? (await coordinator.proposePlan(draft.study, proposed));
  if (detail.refusal === 'PLAN_NOT_SIGNED')
    detail = await coordinator.signPlan(digest, addSignature(proposed, 'plan', keys.admin));
  if (detail.refusal !== null) throw new Fault(detail.refusal, { planDigest: digest });
  return digest;
}

async function find(coordinator: PlanApi, digest: Digest): Promise<PlanDetail | undefined> {
  try {
    return await coordinator.plan(digest);
  } catch (error) {
    if (Fault.is(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
