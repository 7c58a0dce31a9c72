import { parsePlan, requireSignedTerms, type Plan, type SignedPlan } from '@consilium/round';
import { canonicalJson, Fault } from '@consilium/stdx';

/**
 * What the coordinator made of a draft, to be signed. People sign what they wrote: it fills in governance and keys, and
 * changes nothing else. Faults: PLAN_INVALID where it did.
 */
export function completed(draft: Plan, came: unknown): SignedPlan {
  const plan = requireSignedTerms(parsePlan(came));
  if (canonicalJson(termsOf(plan)) !== canonicalJson(termsOf(draft)))
    throw new Fault('PLAN_INVALID', { path: '(top)', expected: 'the draft, with governance and keys filled in' });
  return plan;
}

const termsOf = ({ governance: _governance, roster: _roster, ...terms }: Plan): object => terms;
