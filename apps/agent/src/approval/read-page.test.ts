import { encodePublicKey } from '@consilium/identity';
import { planCanonicalJson, planDigest } from '@consilium/round';
import { canonicalJson, Fault, type SiteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import type { PlanPage } from '../control/replies.js';
import { approvalOf, DATASET, NO_DIGEST, OTHER_RUN, planOf, RUN, SITE } from '../plan.fixture.js';
import { keyOf } from '../keys.fixture.js';
import { planOfPage, readTerms, termsOfPage } from './read-page.js';
import { rolesOf, signTerms } from './sign-terms.js';

const plan = planOf();
const { by: _by, envelope: _envelope, ...draft } = approvalOf(plan, RUN);
const page = (changes: Partial<PlanPage> = {}): PlanPage => ({
  run: RUN,
  planDigest: planDigest(plan),
  decision: 'waiting',
  code: null,
  suspended: [],
  ended: null,
  plan: planCanonicalJson(plan),
  signers: [],
  dataset: DATASET,
  problem: null,
  draft: canonicalJson(draft),
  signed: null,
  missing: ['operator'],
  approvedBefore: null,
  ...changes,
});
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'done';
  } catch (error) {
    return Fault.from(error).code;
  }
};
const drafted = (changes: object): string =>
  codeOf(() => termsOfPage(page({ draft: canonicalJson({ ...draft, ...changes }) }), plan, SITE));

describe('a page, as the program reads it that holds a person’s key', () => {
  it('gives the plan whose digest it names, and the terms of an approval by people', () => {
    expect(planDigest(planOfPage(page()))).toBe(page().planDigest);
    expect(termsOfPage(page(), plan, SITE)).toEqual({ ...draft, by: 'people', envelope: null });
  });

  it('is not believed when the plan that it shows is another than the digest names', () => {
    const other = planCanonicalJson(planOf({ title: 'Harmless' }));
    expect(codeOf(() => planOfPage(page({ plan: other })))).toBe('PLAN_DIGEST_MISMATCH');
    expect(codeOf(() => planOfPage(page({ plan: 'not JSON' })))).toBe('MESSAGE_MALFORMED');
  });

  it.each<[string, object]>([
    ['of another plan', { plan: NO_DIGEST }],
    ['of another run', { run: OTHER_RUN }],
    ['of other data than are shown', { dataset: NO_DIGEST }],
    ['of another site', { site: 'site-b' }],
    ['of another study', { study: 'another' }],
    ['of another federation', { federation: 'another' }],
  ])('gives nothing to sign %s', (_what, changes) => {
    expect(drafted(changes)).toBe('APPROVAL_INVALID');
    expect(drafted({})).toBe('done'); // the control
  });

  it('gives no standing approval to whoever approves one run', () => {
    const terms = { dataset: DATASET.digest, modelFamily: NO_DIGEST, rounds: 1_000_000, expiresMs: 9 };
    for (const plain of [
      { plan: null, run: null, envelope: terms },
      { by: 'standing', envelope: terms },
      { by: 'auto' },
    ])
      expect(['APPROVAL_INVALID', 'MESSAGE_MALFORMED']).toContain(drafted(plain));
  });

  it('gives nothing where nothing waits, and says why the data cannot be used', () => {
    expect(codeOf(() => termsOfPage(page({ draft: null }), plan, SITE))).toBe('NOT_FOUND');
    const problem = { code: 'DATA_EMPTY', facts: {} } as const;
    expect(codeOf(() => termsOfPage(page({ problem }), plan, SITE))).toBe('DATA_EMPTY');
    expect(codeOf(() => termsOfPage(page(), plan, 'site-b' as SiteName))).toBe('APPROVAL_INVALID');
    expect(codeOf(() => readTerms('{'))).toBe('MESSAGE_MALFORMED');
  });
});

describe('a person’s signature', () => {
  const operator = keyOf('operator');
  const settings = { approvers: [{ role: 'operator' as const, signing: encodePublicKey(operator.publicKey) }] };

  it('is given in the roles that the settings name with the key', () => {
    expect(rolesOf(operator, settings)).toEqual(['operator']);
    expect(codeOf(() => rolesOf(keyOf('stranger'), settings))).toBe('SIGNATURE_INVALID');
  });

  it('is not unlocked for what would be refused', async () => {
    let unlocked = false;
    const key = { publicKey: operator.publicKey, unlock: async () => ((unlocked = true), operator) };
    const terms = termsOfPage(page(), plan, SITE);
    const forged = Buffer.from('{}').toString('base64');
    await expect(signTerms(terms, forged, key, settings)).rejects.toMatchObject({ code: 'ENVELOPE_INVALID' });
    expect(unlocked).toBe(false);
    await signTerms(terms, null, key, settings);
    expect(unlocked).toBe(true);
  });
});
