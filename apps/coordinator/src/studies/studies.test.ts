import { openEnvelope, signEnvelope } from '@consilium/identity';
import { manifestOf } from '@consilium/model';
import { parsePlan, planCanonicalJson, planDigest } from '@consilium/round';
import { digestOf, utf8, type SiteName, type StudyName } from '@consilium/stdx';
import { safetensorsByteLength } from '@consilium/weights';
import { beforeEach, describe, expect, it } from 'vitest';
import { ADMIN, BOTH, COORDINATOR_KEY, keyOf, PROPOSER } from '../fixtures/keys.fixture.js';
import { envelopeOf, governance, planJson, studyJson } from '../fixtures/plan.fixture.js';
import { StudyDesk } from './study-desk.fixture.js';
import type { NewStudy } from './studies.js';

const trial = 'trial' as StudyName;
const study = studyJson() as unknown as NewStudy;
let desk: StudyDesk;
beforeEach(async () => {
  desk = await StudyDesk.open();
  await desk.studies.create(study);
});
const draft = (change: object = {}): Record<string, unknown> => ({ ...planJson(), ...change });
const propose = (plan: unknown, people = [PROPOSER]) => desk.studies.propose(trial, utf8(envelopeOf(plan, people)));
const complete = (change: object = {}) => desk.studies.complete(trial, draft(change));

describe('a study', () => {
  it('is signed by the coordinator, written down, and dated once', async () => {
    const [stored] = await desk.studies.list();
    desk.clock.advance(5000);
    expect(await desk.studies.create(study)).toEqual(stored);
    expect(await desk.studies.find(trial)).toEqual(stored);
    const document = await desk.ledger.readDocument(stored!.document!);
    const { payload } = openEnvelope(document, 'study', { all: [COORDINATOR_KEY.publicKey] });
    expect(payload).toEqual({
      schema: 'consilium.study/1',
      ...study,
      sites: ['alpha', 'beta'],
      createdMs: stored!.createdMs,
    });
    expect(desk.events).toEqual([{ type: 'study.registered', study: stored!.document }]);
  });

  it('is the same whatever the order of its countries and sites', async () => {
    await desk.studies.create({ ...study, sites: ['beta', 'alpha'] as SiteName[] });
    expect(await desk.studies.list()).toHaveLength(1);
  });

  it.each([
    ['legal basis', { legalBasis: 'national-law' as const }],
    ['ethics approval', { ethics: { ...governance().ethics, number: 'EK 8/2026' } }],
    ['countries', { jurisdictions: ['DE', 'FR'] }],
    ['sites', { sites: ['alpha'] as SiteName[] }],
    ['data contract', { dataContract: { ...governance().dataContract, minPatients: 2 } }],
    ['purpose', { purpose: 'Another.' }],
  ])('of the same name with another %s is refused', async (_, change) => {
    await expect(desk.studies.create({ ...study, ...change })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  it('that is not there is NOT_FOUND, also for a plan', async () => {
    const none = 'none' as StudyName;
    await expect(desk.studies.find(none)).rejects.toMatchObject({ code: 'NOT_FOUND', facts: { study: 'none' } });
    await expect(desk.studies.complete(none, draft())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a draft', () => {
  it('is completed with the study’s governance and the keys of its sites, and nothing is kept', async () => {
    const plan = await complete();
    expect(plan.governance).toEqual(governance());
    expect(plan.roster).toMatchObject({ version: 1, digest: desk.rosters.current.digest });
    expect(Object.keys(plan.roster.sites).sort()).toEqual(['alpha', 'beta']);
    expect(await desk.studies.plans(trial)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['of another federation', { federation: 'other' }, 'PLAN_INVALID'],
    ['of another study', { study: 'other' }, 'PLAN_INVALID'],
    ['for a site that the study does not ask', { sites: ['alpha', 'gamma'] }, 'PLAN_INVALID'],
    ['for a site that nobody admitted', { sites: ['alpha', 'omega'] }, 'SITE_NOT_ENROLLED'],
    [
      'with differential privacy that nobody would do',
      { privacy: { mode: 'plain', epsilon: 1 } },
      'PLAN_NOT_SUPPORTED',
    ],
    ['whose quorum is more than its sites', { rounds: { count: 1, minSites: 3, deadlineSeconds: 1 } }, 'PLAN_INVALID'],
  ])('%s is refused', async (_, change, code) => {
    await expect(complete(change)).rejects.toMatchObject({ code });
  });

  it('with a model of exactly the bound is taken, and one byte beyond it is not', async () => {
    const bytes = safetensorsByteLength(manifestOf(parsePlan(planJson()).model));
    const [fits, exceeds] = [
      await StudyDesk.open({ modelBytesMax: bytes }),
      await StudyDesk.open({ modelBytesMax: bytes - 1 }),
    ];
    for (const one of [fits, exceeds]) await one.studies.create(study);
    await fits.studies.complete(trial, draft());
    await expect(exceeds.studies.complete(trial, draft())).rejects.toMatchObject({
      code: 'PLAN_NOT_SUPPORTED',
      facts: { path: 'model', modelBytes: bytes, modelBytesMax: bytes - 1 },
    });
  });

  it('of a study without governance, of an older release, is PLAN_INCOMPLETE', async () => {
    const old = { name: 'old' as StudyName, title: 'T', purpose: 'P', terms: null, document: null, createdMs: 1 };
    await desk.store.create(old);
    await expect(desk.studies.complete(old.name, draft({ study: 'old' }))).rejects.toMatchObject({
      code: 'PLAN_INCOMPLETE',
    });
  });
});

describe('a proposed plan', () => {
  it('is kept as the canonical JSON that its digest is the SHA-256 of, with the proposer’s signature', async () => {
    const plan = await complete();
    const { digest, document, envelope } = await propose(plan);
    expect(digest).toBe(digestOf(utf8(document)));
    expect([digest, document, envelope]).toEqual([
      planDigest(plan),
      planCanonicalJson(plan),
      envelopeOf(plan, [PROPOSER]),
    ]);
    expect(await desk.studies.plan(digest)).toMatchObject({ digest, study: trial, document });
    expect(desk.events.at(-1)).toEqual({
      type: 'plan.proposed',
      plan: digest,
      envelope: digestOf(utf8(envelope!)),
      by: PROPOSER.person,
    });
    expect(await desk.ledger.readDocument(digestOf(utf8(envelope!)))).toEqual(utf8(envelope!));
  });

  it('is one plan, however often it is proposed', async () => {
    const plan = await complete();
    const [{ digest }] = [await propose(plan), await propose(plan)];
    expect(await desk.studies.plans(trial)).toHaveLength(1);
    expect((await propose(await complete({ seed: 2 }))).digest).not.toBe(digest);
    expect(desk.events.filter(({ type }) => type === 'plan.proposed')).toHaveLength(2);
  });

  it('is signed by a proposer: an admin alone proposes nothing, and a stranger neither', async () => {
    const plan = await complete();
    await expect(propose(plan, [ADMIN])).rejects.toMatchObject({ code: 'PLAN_NOT_SIGNED' });
    const stranger = { ...PROPOSER, key: keyOf('a stranger') };
    await expect(propose(plan, [stranger])).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    expect(await desk.studies.plans(trial)).toEqual([]);
  });

  it('is the completed one: a draft that somebody signed is refused', async () => {
    await expect(propose(draft())).rejects.toMatchObject({ code: 'PLAN_INCOMPLETE' });
    const { audit: _, ...abridged } = await complete();
    await expect(propose(abridged)).rejects.toMatchObject({ code: 'PLAN_INVALID' });
  });

  it('has its study’s governance, byte for byte', async () => {
    const plan = await complete();
    const lax = { ...plan, governance: { ...plan.governance, jurisdictions: ['DE', 'US'] } };
    await expect(propose(lax)).rejects.toMatchObject({ code: 'PLAN_INVALID', facts: { path: 'governance' } });
  });

  it('has today’s keys', async () => {
    const plan = await complete();
    const sites = { ...plan.roster.sites, ['alpha' as SiteName]: plan.roster.coordinator };
    await expect(propose({ ...plan, roster: { ...plan.roster, sites } })).rejects.toMatchObject({
      code: 'ROSTER_CHANGED',
    });
  });

  it('is a plan and no other signed document', async () => {
    const other = signEnvelope(
      'study',
      { schema: 'consilium.study/1', ...study, sites: ['alpha'] as SiteName[], createdMs: 0 },
      [PROPOSER.key],
    );
    await expect(desk.studies.propose(trial, other)).rejects.toMatchObject({ code: 'ENVELOPE_INVALID' });
  });
});

describe('a signature', () => {
  it('is added to those that are there', async () => {
    const plan = await complete();
    const { digest } = await propose(plan);
    const both = envelopeOf(plan, [PROPOSER, ADMIN]);
    expect((await desk.studies.sign(digest, utf8(both))).envelope).toBe(both);
    expect((await desk.studies.sign(digest, utf8(both))).envelope).toBe(both);
    expect(desk.events.flatMap((event) => (event.type === 'plan.proposed' ? [event.by] : []))).toEqual([
      PROPOSER.person,
      ADMIN.person,
    ]);
  });

  it('does not push out another one that came in the meantime', async () => {
    const plan = await complete();
    const { digest } = await propose(plan);
    const settled = await Promise.allSettled(
      [ADMIN, BOTH].map((admin) => desk.studies.sign(digest, utf8(envelopeOf(plan, [PROPOSER, admin])))),
    );
    expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(settled.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'ALREADY_EXISTS' } });
    await desk.studies.sign(digest, utf8(envelopeOf(plan, [PROPOSER, ADMIN, BOTH])));
    await expect(desk.studies.sign(digest, utf8(envelopeOf(plan, [ADMIN])))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
  });

  it('is of this plan', async () => {
    const { digest } = await propose(await complete());
    const other = await complete({ seed: 2 });
    await expect(desk.studies.sign(digest, utf8(envelopeOf(other)))).rejects.toMatchObject({
      code: 'PLAN_DIGEST_MISMATCH',
    });
    await expect(desk.studies.sign(planDigest(other), utf8(envelopeOf(other)))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
