import { approvalSchema, type Approval } from '@consilium/identity';
import { parsePlan, planDigest, requireSignedTerms, type Plan, type SignedPlan } from '@consilium/round';
import { Fault, parseShape, type SiteName } from '@consilium/stdx';
import type { PlanPage } from '../control/replies.js';

/** The plan of a page: what is shown is what the digest names. */
export function planOfPage({ plan: text, planDigest: digest }: Pick<PlanPage, 'plan' | 'planDigest'>): SignedPlan {
  const plan = readPlanJson(text);
  if (planDigest(plan) !== digest) throw new Fault('PLAN_DIGEST_MISMATCH');
  return requireSignedTerms(plan);
}

/** The plan in its canonical JSON, which a running agent of this release has sent. */
export function readPlanJson(text: string): Plan {
  try {
    return parsePlan(JSON.parse(text));
  } catch (error) {
    throw Fault.is(error) ? error : new Fault('MESSAGE_MALFORMED', { field: 'plan' }, error);
  }
}

/**
 * What there is to sign on a page: exactly this run of this plan, at this site, on the data that the page shows.
 * NOT_FOUND where nothing waits.
 */
export function termsOfPage(page: PlanPage, plan: SignedPlan, site: SiteName): Approval {
  if (page.problem) throw new Fault(page.problem.code, page.problem.facts);
  if (page.draft === null || !page.dataset) throw new Fault('NOT_FOUND', { what: 'a plan that waits for approval' });
  const terms = readTerms(page.draft);
  const due = {
    federation: plan.federation,
    study: plan.study,
    plan: page.planDigest,
    run: page.run,
    envelope: null,
    site,
    dataset: page.dataset.digest,
    by: 'people',
  } as const;
  for (const [field, value] of Object.entries(due)) {
    if (terms[field as keyof typeof due] !== value) throw new Fault('APPROVAL_INVALID', { field });
  }
  return terms;
}

/** The terms of an approval by people, as the agent drafts them. */
export function readTerms(draft: string): Approval {
  let terms: unknown;
  try {
    terms = { by: 'people', envelope: null, ...(JSON.parse(draft) as object) };
  } catch (error) {
    throw new Fault('MESSAGE_MALFORMED', { field: 'draft' }, error);
  }
  return parseShape(approvalSchema, terms, 'MESSAGE_MALFORMED');
}
