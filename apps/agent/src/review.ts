import { encodePublicKey, openEnvelope, decodePublicKey } from '@consilium/identity';
import { parsePlan, planDigest, requireInForce, requireSignedTerms, type SignedPlan } from '@consilium/round';
import { digestOf, Fault, fromUtf8, type SiteName } from '@consilium/stdx';
import type { PlanOffer } from './offers.js';
import type { AcceptedRoster } from './rosters.js';

/** The site's own rules about plans, from its settings. */
export interface ReviewTerms {
  readonly site: SiteName;
  readonly federation: string;
  /** Whose law binds this site, as ISO 3166-1 alpha-2. */
  readonly jurisdiction: string;
  /** The site's own public key. */
  readonly signing: Uint8Array;
  /** Study → folder. A study that is not here is not taken part in. */
  readonly datasets: Readonly<Record<string, string>>;
}

/**
 * Reads an offered plan and recomputes its digest, so that what is approved is what was read; then asks who signed it,
 * whether the roster still has the keys that it names, and whether this site may take part at all. `roster` is the one
 * that came with the offer, accepted before.
 *
 * Faults: PLAN_UNREADABLE, PLAN_INVALID, PLAN_NOT_SUPPORTED, GRAPH_INVALID, PLAN_DIGEST_MISMATCH, SITE_NOT_IN_PLAN,
 * PLAN_INCOMPLETE, PLAN_NOT_SIGNED, ROSTER_INVALID, ROSTER_CHANGED, ETHICS_EXPIRED, JURISDICTION_REFUSED,
 * DATA_NOT_CONFIGURED.
 */
export function reviewPlan(offer: PlanOffer, terms: ReviewTerms, roster: AcceptedRoster, now: number): SignedPlan {
  const plan = parsePlan(readJson(offer.planJson));
  if (digestOf(offer.planJson) !== offer.planDigest || planDigest(plan) !== offer.planDigest) {
    throw new Fault('PLAN_DIGEST_MISMATCH');
  }
  if (plan.federation !== terms.federation) {
    throw new Fault('PLAN_INVALID', { path: 'federation', expected: 'the federation of this site' });
  }
  if (!plan.sites.includes(terms.site)) throw new Fault('SITE_NOT_IN_PLAN', { sites: plan.sites.length });
  const signed = requireSignedTerms(plan);
  requireTwoSigners(offer, roster);
  requireRosterOf(signed, roster);
  requireInForce(signed, roster, now);
  if (signed.roster.sites[terms.site] !== encodePublicKey(terms.signing)) {
    throw new Fault('ROSTER_CHANGED', { what: 'the key of this site' });
  }
  // The roster says where a site lies as the federation's admins see it; this site says it for itself.
  if (!signed.governance.jurisdictions.includes(terms.jurisdiction)) throw new Fault('JURISDICTION_REFUSED');
  if (!Object.hasOwn(terms.datasets, plan.study)) throw new Fault('DATA_NOT_CONFIGURED');
  return signed;
}

/** The very bytes of the plan are signed by a proposer and by an admin, who is another person. */
function requireTwoSigners({ planEnvelope, planJson }: PlanOffer, { people }: AcceptedRoster): void {
  const any = people.map(({ signing }) => decodePublicKey(signing));
  let signers: ReadonlySet<string>;
  try {
    const opened = openEnvelope(planEnvelope, 'plan', { any });
    if (digestOf(opened.payloadBytes) !== digestOf(planJson)) throw new Fault('PLAN_DIGEST_MISMATCH');
    signers = new Set(opened.signers.map(encodePublicKey));
  } catch (error) {
    if (!Fault.is(error) || error.code === 'PLAN_DIGEST_MISMATCH') throw error;
    throw new Fault('PLAN_NOT_SIGNED', { people: people.length }, error);
  }
  const signed = people.filter(({ signing }) => signers.has(signing));
  const proposers = signed.filter(({ roles }) => roles.includes('proposer'));
  const admins = signed.filter(({ roles }) => roles.includes('admin'));
  const two = proposers.some(({ person }) => admins.some((other) => other.person !== person));
  if (!two) throw new Fault('PLAN_NOT_SIGNED', { proposers: proposers.length, admins: admins.length });
}

/** The plan was signed under this roster or an earlier one; `requireInForce` compares the keys. */
function requireRosterOf({ roster: named }: SignedPlan, { version, digest }: AcceptedRoster): void {
  if (named.version > version) throw new Fault('ROSTER_INVALID', { planVersion: named.version, came: version });
  if (named.version === version && named.digest !== digest) {
    throw new Fault('ROSTER_INVALID', { version, what: 'two rosters of one version' });
  }
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (error) {
    throw new Fault('PLAN_UNREADABLE', {}, error);
  }
}
