import { canonicalJson, digestOf, Fault, utf8, type Digest } from '@consilium/stdx';
import { planDigest } from '@consilium/round';
import { beforeEach, describe, expect, it } from 'vitest';
import { Consent, reviewPlan, type ConsentTerms } from './consent.js';
import { MemoryJournal } from './journal/journal.js';
import { NO_DIGEST, OTHER_RUN, planDocument, planOf, planOffer, RUN, SITE } from './plan.fixture.js';
import { Runs, type Decision } from './runs.js';
import type { PlanOffer } from './offers.js';
import { clockAt, MemoryTrainer } from './twins.fixture.js';

const TERMS: ConsentTerms = {
  site: SITE,
  federation: 'testfed',
  approve: 'manual',
  datasets: { 'lung-nodule': '/data' },
};
const plan = planOf();
const digest = planDigest(plan);
const raw = (value: unknown): PlanOffer => {
  const planJson = utf8(canonicalJson(value));
  return { kind: 'plan', run: RUN, planDigest: digestOf(planJson), planJson };
};

describe('the review of an offered plan', () => {
  const codeOf = (offer: PlanOffer, terms = TERMS): string => {
    try {
      reviewPlan(offer, terms);
      return 'accepted';
    } catch (error) {
      return Fault.from(error).code;
    }
  };

  it('accepts a whole plan that lists this site and whose study has a folder here', () => {
    expect(reviewPlan(planOffer(), TERMS)).toEqual(plan);
  });

  it('refuses a plan whose digest is not that of its bytes', () => {
    expect(codeOf({ ...planOffer(), planDigest: NO_DIGEST })).toBe('PLAN_DIGEST_MISMATCH');
    const other = planOffer(planOf({ seed: 8 }));
    expect(codeOf({ ...other, planDigest: digest })).toBe('PLAN_DIGEST_MISMATCH');
  });

  it('refuses bytes that mean this plan but are not its canonical form, since the digest must bind what was read', () => {
    const loose = utf8(JSON.stringify(planDocument));
    expect(codeOf({ kind: 'plan', run: RUN, planDigest: digestOf(loose), planJson: loose })).toBe(
      'PLAN_DIGEST_MISMATCH',
    );
    expect(codeOf({ kind: 'plan', run: RUN, planDigest: digest, planJson: loose })).toBe('PLAN_DIGEST_MISMATCH');
  });

  it('refuses a plan of another federation, without this site, or of a study without a folder', () => {
    expect(codeOf(planOffer(planOf({ federation: 'elsewhere' })))).toBe('PLAN_INVALID');
    expect(codeOf(planOffer(planOf({ sites: ['site-b', 'site-c'] })))).toBe('SITE_NOT_IN_PLAN');
    expect(codeOf(planOffer(), { ...TERMS, datasets: { 'breast-ultrasound': '/data' } })).toBe('DATA_NOT_CONFIGURED');
    expect(codeOf(planOffer(planOf({ study: 'constructor' })))).toBe('DATA_NOT_CONFIGURED');
  });

  it('refuses what is no plan at all, and privacy modes that this release does not have', () => {
    expect(codeOf({ ...planOffer(), planJson: Uint8Array.of(0xff, 0xfe) })).toBe('PLAN_UNREADABLE');
    expect(codeOf(raw({ hello: 'world' }))).toBe('PLAN_INVALID');
    expect(codeOf(raw({ ...planDocument, privacy: { mode: 'private' } }))).toBe('PLAN_NOT_SUPPORTED');
    expect(codeOf(raw({ ...planDocument, privacy: { mode: 'plain', epsilon: 1 } }))).toBe('PLAN_NOT_SUPPORTED');
  });
});

describe('consent', () => {
  let journal: MemoryJournal;
  let trainer: MemoryTrainer;
  let answers: { run: string; planDigest: Digest; decision: Decision }[];
  beforeEach(() => {
    journal = new MemoryJournal(clockAt());
    trainer = new MemoryTrainer();
    answers = [];
  });
  const open = (terms: Partial<ConsentTerms> = {}, past = journal.entries): Consent =>
    new Consent(
      { ...TERMS, ...terms },
      {
        runs: new Runs(journal, [...past]),
        trainer,
        clock: clockAt(),
        answer: async (run, planDigest, decision) => {
          answers.push({ run, planDigest, decision });
        },
      },
    );
  const types = (): string[] => journal.entries.map(({ type }) => type);

  it('waits for a person when approval is manual: nothing is read and nothing is said', async () => {
    const consent = open();
    await consent.offered(planOffer());
    expect(consent.pending()).toMatchObject([{ run: RUN, planDigest: digest }]);
    expect(types()).toEqual(['plan.offered']);
    expect(trainer.loaded).toEqual([]);
    expect(answers).toEqual([]);
  });

  it('reads the data, writes the approval down, and only then tells the coordinator', async () => {
    const consent = open();
    await consent.offered(planOffer());
    expect(await consent.approve(digest)).toEqual({ approved: true, by: 'operator' });
    expect(types()).toEqual(['plan.offered', 'dataset.loaded', 'plan.approved']);
    expect(trainer.loaded).toEqual(['/data']);
    expect(answers).toEqual([{ run: RUN, planDigest: digest, decision: { approved: true, by: 'operator' } }]);
    expect(consent.pending()).toEqual([]);
  });

  it('approves by itself when the settings say auto, and the journal says that it was so', async () => {
    await open({ approve: 'auto' }).offered(planOffer());
    expect(journal.entries.at(-1)).toMatchObject({ type: 'plan.approved', by: 'auto' });
    expect(answers).toHaveLength(1);
  });

  it('rejects at a person’s word, with a code and no reason in words', async () => {
    const consent = open();
    await consent.offered(planOffer());
    await consent.reject(RUN);
    expect(journal.entries.at(-1)).toMatchObject({ type: 'plan.rejected', by: 'operator', code: 'PLAN_REJECTED' });
    expect(answers[0]?.decision).toEqual({ approved: false, by: 'operator', code: 'PLAN_REJECTED' });
  });

  it('rejects by itself what the review refuses, even where approval is automatic', async () => {
    await open({ approve: 'auto' }).offered({ ...planOffer(), planDigest: NO_DIGEST });
    expect(types()).toEqual(['plan.rejected']);
    expect(answers[0]?.decision).toEqual({ approved: false, by: 'agent', code: 'PLAN_DIGEST_MISMATCH' });
  });

  it.each(['DATA_EMPTY', 'DATA_LABEL_UNKNOWN', 'DATA_NOT_AN_IMAGE', 'DATA_PATIENT_IN_TWO_SPLITS'] as const)(
    'does not agree to what its data cannot do: %s becomes the rejection’s code',
    async (code) => {
      trainer.fails = new Fault(code);
      await open({ approve: 'auto' }).offered(planOffer());
      expect(types()).toEqual(['plan.offered', 'plan.rejected']);
      expect(answers[0]?.decision).toEqual({ approved: false, by: 'agent', code });
    },
  );

  it('leaves a plan undecided when the agent is stopped while it reads the data', async () => {
    trainer.fails = new Fault('CANCELLED');
    await expect(open({ approve: 'auto' }).offered(planOffer())).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(types()).toEqual(['plan.offered']);
    await open({ approve: 'auto' }).offered(planOffer());
    expect(types()).toEqual(['plan.offered', 'dataset.loaded', 'plan.approved']);
  });

  it('asks a person once: an offer repeated while it waits changes nothing', async () => {
    const consent = open();
    await Promise.all([consent.offered(planOffer()), consent.offered(planOffer()), consent.offered(planOffer())]);
    expect(consent.pending()).toHaveLength(1);
    expect(types()).toEqual(['plan.offered']);
  });

  it('repeats the journal’s decision after a restart, without reading data or asking again', async () => {
    const before = open();
    await before.offered(planOffer());
    await before.approve(RUN);
    answers = [];
    trainer.loaded.length = 0;
    const after = open();
    await after.offered(planOffer());
    expect(answers).toEqual([{ run: RUN, planDigest: digest, decision: { approved: true, by: 'operator' } }]);
    expect(after.pending()).toEqual([]);
    expect(trainer.loaded).toEqual([]);
    expect(types().filter((type) => type === 'plan.approved')).toHaveLength(1);
  });

  it('one approval, one run: another run of the same plan waits for its own', async () => {
    const consent = open();
    await consent.offered(planOffer());
    await consent.approve(digest);
    await consent.offered(planOffer(plan, OTHER_RUN));
    expect(consent.pending()).toMatchObject([{ run: OTHER_RUN }]);
    expect(answers).toHaveLength(1);
  });

  it('asks which run is meant when two wait with the same plan', async () => {
    const consent = open();
    await consent.offered(planOffer());
    await consent.offered(planOffer(plan, OTHER_RUN));
    await expect(consent.approve(digest)).rejects.toMatchObject({ code: 'REQUEST_INVALID', facts: { waiting: 2 } });
    await consent.approve(OTHER_RUN);
    expect(answers.map(({ run }) => run)).toEqual([OTHER_RUN]);
  });

  it('refuses another plan under the name of a run that it has already been asked about', async () => {
    const consent = open();
    await consent.offered(planOffer());
    await consent.approve(RUN);
    await consent.offered(planOffer(planOf({ seed: 8 })));
    expect(answers.at(-1)?.decision).toEqual({ approved: false, by: 'agent', code: 'PLAN_DIGEST_MISMATCH' });
  });

  it('cannot approve what does not wait, twice, or after the run ended', async () => {
    const consent = open();
    await expect(consent.approve(digest)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await consent.offered(planOffer());
    const [first, second] = await Promise.allSettled([consent.approve(RUN), consent.approve(RUN)]);
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected']);
    await consent.offered(planOffer(plan, OTHER_RUN));
    consent.ended(OTHER_RUN);
    await expect(consent.reject(OTHER_RUN)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('answers OVERLOADED when more plans wait than a person can be asked about', async () => {
    const consent = open();
    for (let i = 0; i < 33; i++)
      await consent.offered(planOffer(plan, `run-00000001${String(i).padStart(2, '0')}` as typeof RUN));
    expect(consent.pending()).toHaveLength(32);
    expect(answers).toHaveLength(1);
    expect(answers[0]?.decision).toMatchObject({ approved: false, code: 'OVERLOADED' });
  });
});
