import { openEnvelope } from '@consilium/identity';
import type { SiteEvent } from '@consilium/ledger';
import { ethicsEndMs, planDigest } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { ACCEPTED, keyOf } from './keys.fixture.js';
import { approvedEvents } from './ledger.fixture.js';
import { Permits } from './permits.js';
import { approvalOf, DATASET, KEY, NO_DIGEST, OTHER_RUN, planOf, RUN } from './plan.fixture.js';
import type { AcceptedRoster } from './rosters.js';
import { siteWith, type TestSite } from './site.fixture.js';
import { clockAt } from './twins.fixture.js';

const plan = planOf();
const digest = planDigest(plan);
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'allowed',
    (error: unknown) => Fault.from(error).code,
  );
const asked = (terms: TestSite = {}, of = digest): Promise<string> => codeOf(siteWith(terms).permits.require(RUN, of));

describe('whether the site may work', () => {
  it('is yes for a run that it approved, with the terms, the exact counts and the approval', async () => {
    const permit = await siteWith().permits.require(RUN, digest);
    expect(permit).toEqual({ run: RUN, planDigest: digest, plan, dataset: DATASET, approval: approvalOf(plan) });
  });

  it('is no without an approval, after an end, and after the site’s own second thoughts', async () => {
    expect(await asked({ past: () => [] })).toBe('PLAN_NOT_APPROVED');
    expect(await asked({}, NO_DIGEST)).toBe('PLAN_NOT_APPROVED');
    expect(await asked({ more: [{ type: 'run.ended', run: RUN, outcome: 'failed' }] })).toBe('RUN_TRANSITION_REFUSED');
    expect(await asked({ more: [{ type: 'plan.withdrawn', run: RUN, plan: digest, by: 'people' }] })).toBe(
      'PLAN_WITHDRAWN',
    );
    expect(await asked({ more: [{ type: 'plan.suspended', plan: digest, by: 'operator' }] })).toBe('PLAN_SUSPENDED');
  });

  it('ends with the approval’s own date', async () => {
    const past = (documents: Parameters<typeof approvedEvents>[0]) =>
      approvedEvents(documents, plan, { approval: { expiresMs: 1_700_000_000_000 } });
    expect(await asked({ past, clock: clockAt(1_700_000_000_000 - 1) })).toBe('allowed');
    expect(await asked({ past, clock: clockAt(1_700_000_000_000) })).toBe('APPROVAL_EXPIRED');
  });

  it('ends with the ethics approval, in the middle of a run, at midnight after its last day', async () => {
    const end = ethicsEndMs(plan.governance);
    const clock = clockAt(end - 1);
    const { permits } = siteWith({ clock });
    expect(await codeOf(permits.require(RUN, digest))).toBe('allowed');
    clock.advance(1);
    expect(await codeOf(permits.require(RUN, digest))).toBe('ETHICS_EXPIRED');
  });

  it('ends when a site of the plan has another key, is gone, or lies elsewhere', async () => {
    const site = siteWith();
    const rosters: { current: AcceptedRoster } = { current: ACCEPTED };
    const permits = new Permits({ ...site, rosters });
    const with_ = async (sites: AcceptedRoster['sites']): Promise<string> => {
      rosters.current = { ...ACCEPTED, version: 2, sites };
      return codeOf(permits.require(RUN, digest));
    };
    expect(await with_(ACCEPTED.sites)).toBe('allowed');
    expect(await with_(ACCEPTED.sites.slice(0, 3))).toBe('ROSTER_CHANGED');
    expect(await with_(ACCEPTED.sites.map((one, i) => (i === 3 ? { ...one, jurisdiction: 'US' } : one)))).toBe(
      'JURISDICTION_REFUSED',
    );
  });

  it('is asked of the approval itself: one for another run, plan or data does not count', async () => {
    const withApproval = (approval: object) =>
      asked({ past: (documents) => approvedEvents(documents, plan, { approval }) });
    expect(await withApproval({})).toBe('allowed');
    expect(await withApproval({ run: OTHER_RUN })).toBe('PLAN_NOT_APPROVED');
    expect(await withApproval({ plan: NO_DIGEST })).toBe('PLAN_NOT_APPROVED');
    expect(await withApproval({ dataset: NO_DIGEST })).toBe('PLAN_NOT_APPROVED');
  });

  it('does not count an approval that whoever must sign has not signed', async () => {
    const site = siteWith();
    const open = (envelope: Uint8Array) =>
      openEnvelope(envelope, 'approval', { all: [KEY.publicKey, keyOf('operator').publicKey] }).payload;
    const permits = new Permits({ ...site, approvals: { open } });
    expect(await codeOf(permits.require(RUN, digest))).toBe('SIGNATURE_MISSING');
  });

  it('hears of a withdrawal that comes while it still reads', async () => {
    const site = siteWith();
    const asking = site.permits.require(RUN, digest);
    const withdrawn: SiteEvent = { type: 'plan.withdrawn', run: RUN, plan: digest, by: 'operator' };
    site.ledger.runs.follow(withdrawn);
    expect(await codeOf(asking)).toBe('PLAN_WITHDRAWN');
  });

  it('reads each document once', async () => {
    const site = siteWith();
    let reads = 0;
    const documents = {
      ...site.ledger.documents,
      get: (of: typeof digest) => (reads++, site.ledger.documents.get(of)),
    };
    const permits = new Permits({ ...site, ledger: { runs: site.ledger.runs, documents } });
    await permits.require(RUN, digest);
    await permits.require(RUN, digest);
    expect(reads).toBe(3);
  });
});
