import { addSignature, signEnvelope, type SigningKey } from '@consilium/identity';
import { ethicsEndMs, parsePlan, planDigest } from '@consilium/round';
import { canonicalJson, digestOf, Fault, utf8 } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { ACCEPTED, ADMIN, keyOf, PROPOSER } from './keys.fixture.js';
import type { PlanOffer } from './offers.js';
import { KEY, NO_DIGEST, planDocument, planOf, planOffer, RUN, SITE, signedPlan } from './plan.fixture.js';
import { reviewPlan, type ReviewTerms } from './review.js';
import type { AcceptedRoster } from './rosters.js';

const TERMS: ReviewTerms = {
  site: SITE,
  federation: 'testfed',
  jurisdiction: 'DE',
  signing: KEY.publicKey,
  datasets: { 'lung-nodule': '/data' },
};
const NOW = Date.parse('2026-11-25');
const plan = planOf();

const codeOf = (
  offer: PlanOffer,
  terms: Partial<ReviewTerms> = {},
  roster: AcceptedRoster = ACCEPTED,
  now = NOW,
): string => {
  try {
    reviewPlan(offer, { ...TERMS, ...terms }, roster, now);
    return 'accepted';
  } catch (error) {
    return Fault.from(error).code;
  }
};
/** Bytes that may not be a plan at all, signed as if they were. */
const raw = (value: unknown): PlanOffer => {
  const planJson = utf8(canonicalJson(value));
  const planEnvelope = addSignature(signEnvelope('plan', value as never, [PROPOSER]), 'plan', ADMIN);
  return { kind: 'plan', run: RUN, planDigest: digestOf(planJson), planJson, planEnvelope, roster: new Uint8Array() };
};

describe('the review of an offered plan', () => {
  it('accepts a whole plan that lists this site and whose study has a folder here', () => {
    expect(reviewPlan(planOffer(), TERMS, ACCEPTED, NOW)).toEqual(plan);
  });

  it('refuses a plan whose digest is not that of its bytes', () => {
    expect(codeOf(planOffer(plan, RUN, { planDigest: NO_DIGEST }))).toBe('PLAN_DIGEST_MISMATCH');
    expect(codeOf(planOffer(planOf({ seed: 8 }), RUN, { planDigest: planDigest(plan) }))).toBe('PLAN_DIGEST_MISMATCH');
  });

  it('refuses bytes that mean this plan but are not its canonical form, since the digest must bind what was read', () => {
    const loose = utf8(JSON.stringify(plan, null, 1));
    expect(codeOf(planOffer(plan, RUN, { planDigest: digestOf(loose), planJson: loose }))).toBe('PLAN_DIGEST_MISMATCH');
    expect(codeOf(planOffer(plan, RUN, { planJson: loose }))).toBe('PLAN_DIGEST_MISMATCH');
  });

  it('refuses a plan of another federation, without this site, or of a study without a folder', () => {
    expect(codeOf(planOffer(planOf({ federation: 'elsewhere' })))).toBe('PLAN_INVALID');
    expect(codeOf(planOffer(planOf({ sites: ['site-b', 'site-c'] })))).toBe('SITE_NOT_IN_PLAN');
    expect(codeOf(planOffer(), { datasets: { 'breast-ultrasound': '/data' } })).toBe('DATA_NOT_CONFIGURED');
    expect(codeOf(planOffer(planOf({ study: 'constructor' })))).toBe('DATA_NOT_CONFIGURED');
  });

  it('refuses what is no plan at all, and privacy modes that this release does not have', () => {
    expect(codeOf(planOffer(plan, RUN, { planJson: Uint8Array.of(0xff, 0xfe) }))).toBe('PLAN_UNREADABLE');
    expect(codeOf(raw({ hello: 'world' }))).toBe('PLAN_INVALID');
    expect(codeOf(raw({ ...planDocument, privacy: { mode: 'private' } }))).toBe('PLAN_NOT_SUPPORTED');
    expect(codeOf(raw({ ...planDocument, privacy: { mode: 'plain', epsilon: 1 } }))).toBe('PLAN_NOT_SUPPORTED');
  });

  it('refuses a plan without governance or without a roster', () => {
    const { governance: _g, ...ungoverned } = plan;
    const { roster: _r, ...rosterless } = plan;
    for (const draft of [ungoverned, rosterless]) expect(codeOf(raw(parsePlan(draft)))).toBe('PLAN_INCOMPLETE');
  });
});

describe('who signed the plan', () => {
  const signedBy = (...keys: SigningKey[]): string =>
    codeOf(planOffer(plan, RUN, { planEnvelope: signedPlan(plan, keys) }));

  it('must be a proposer and an admin of the roster', () => {
    expect(signedBy(PROPOSER, ADMIN)).toBe('accepted');
    expect(signedBy(PROPOSER)).toBe('PLAN_NOT_SIGNED');
    expect(signedBy(ADMIN)).toBe('PLAN_NOT_SIGNED');
    expect(signedBy(PROPOSER, keyOf('stranger'))).toBe('PLAN_NOT_SIGNED');
    expect(signedBy(PROPOSER, ADMIN, keyOf('stranger'))).toBe('PLAN_NOT_SIGNED');
    // The coordinator and the sites have keys of the roster too, and none of them is a person's.
    expect(signedBy(PROPOSER, keyOf('coordinator'))).toBe('PLAN_NOT_SIGNED');
    expect(signedBy(PROPOSER, keyOf('site-b'))).toBe('PLAN_NOT_SIGNED');
  });

  it('must be two people: one who has both roles does not count for two', () => {
    const both = ACCEPTED.people.map((one) => ({ ...one, roles: ['admin', 'proposer'] as const }));
    const roster = { ...ACCEPTED, people: both } as unknown as AcceptedRoster;
    const alone = planOffer(plan, RUN, { planEnvelope: signedPlan(plan, [ADMIN]) });
    expect(codeOf(alone, {}, roster)).toBe('PLAN_NOT_SIGNED');
    expect(codeOf(planOffer(), {}, roster)).toBe('accepted');
  });

  it('must have signed these very bytes, and not another plan’s', () => {
    const planEnvelope = signedPlan(planOf({ seed: 8 }));
    expect(codeOf(planOffer(plan, RUN, { planEnvelope }))).toBe('PLAN_DIGEST_MISMATCH');
    expect(codeOf(planOffer(plan, RUN, { planEnvelope: new Uint8Array() }))).toBe('PLAN_NOT_SIGNED');
    const flipped = signedPlan(plan);
    flipped[flipped.length - 20]! ^= 1;
    expect(codeOf(planOffer(plan, RUN, { planEnvelope: flipped }))).toBe('PLAN_NOT_SIGNED');
  });
});

describe('the terms of the plan', () => {
  it('hold until the end of the day on which the ethics approval expires', () => {
    const end = ethicsEndMs(plan.governance);
    expect(codeOf(planOffer(), {}, ACCEPTED, end - 1)).toBe('accepted');
    expect(codeOf(planOffer(), {}, ACCEPTED, end)).toBe('ETHICS_EXPIRED');
  });

  it('hold where this site lies, by its own word and by the roster’s', () => {
    expect(codeOf(planOffer(), { jurisdiction: 'US' })).toBe('JURISDICTION_REFUSED');
    const foreign = planOf({}, { jurisdictions: ['US'] });
    expect(codeOf(planOffer(foreign), { jurisdiction: 'US' })).toBe('JURISDICTION_REFUSED');
    expect(codeOf(planOffer(planOf({}, { jurisdictions: ['DE', 'US'] })), { jurisdiction: 'US' })).toBe('accepted');
  });

  it('hold with the keys that they were signed with: another roster is another plan', () => {
    const sites = ACCEPTED.sites.map((one, i) =>
      i === 1 ? { ...one, signing: Buffer.from(keyOf('new').publicKey).toString('base64') } : one,
    );
    expect(codeOf(planOffer(), {}, { ...ACCEPTED, version: 2, sites })).toBe('ROSTER_CHANGED');
    expect(codeOf(planOffer(), { signing: keyOf('site-b').publicKey })).toBe('ROSTER_CHANGED');
    // A roster that changed elsewhere is no hindrance.
    expect(codeOf(planOffer(), {}, { ...ACCEPTED, version: 2, digest: NO_DIGEST })).toBe('accepted');
  });

  it('name a roster that there is', () => {
    const newer = planOf({}, {}, { ...ACCEPTED, version: 2 });
    expect(codeOf(planOffer(newer))).toBe('ROSTER_INVALID');
    const second = planOf({}, {}, { ...ACCEPTED, digest: NO_DIGEST });
    expect(codeOf(planOffer(second))).toBe('ROSTER_INVALID');
  });
});
