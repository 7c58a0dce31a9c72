import { planDigest } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PASSPHRASE, TestHospital } from '../people.fixture.js';
import { NO_DIGEST, OTHER_RUN, planOf, planOffer, RUN } from '../plan.fixture.js';

const plan = planOf();
const digest = planDigest(plan);
let hospital: TestHospital;
beforeEach(async () => {
  hospital = await TestHospital.open();
});
afterEach(() => hospital.close());
const sign = (run = RUN) => hospital.agent(['plan', 'approve', run, '--key', hospital.keyFile('operator'), '--yes']);

describe('agent plan list', () => {
  it('says that there is none', async () => {
    expect((await hospital.agent(['plan', 'list'])).text).toBe('No plan was offered to this site yet.');
  });

  it('tells of every plan that was offered, and what became of it', async () => {
    await hospital.consent.offered(planOffer());
    await hospital.consent.offered(planOffer(planOf({ seed: 8 }), OTHER_RUN));
    await hospital.consent.reject(OTHER_RUN, 'operator');
    const { text, exit } = await hospital.agent(['plan', 'list']);
    expect(exit).toBe(0);
    expect(text).toContain(`${RUN}  waits for approval`);
    expect(text).toContain(`${OTHER_RUN}  rejected (PLAN_REJECTED)`);
    expect(text).toContain(`plan ${digest}`);
    const { last } = await hospital.agent(['plan', 'list', '--json']);
    expect(last()).toMatchObject({
      plans: [{ run: RUN, decision: 'waiting', study: 'lung-nodule' }, { run: OTHER_RUN }],
    });
  });

  it('leaves out what could not be read: there is nothing to show of it', async () => {
    await hospital.consent.offered(planOffer(plan, RUN, { planDigest: NO_DIGEST }));
    expect((await hospital.agent(['plan', 'list'])).text).toBe('No plan was offered to this site yet.');
  });
});

describe('agent plan show', () => {
  it('speaks as a physician reads: the text, who has yet to sign, and what to type', async () => {
    await hospital.consent.offered(planOffer());
    const { text } = await hospital.agent(['plan', 'show', digest]);
    for (const title of ['Which patients', 'What leaves this site', 'What the coordinator could see in it'])
      expect(text).toContain(title);
    expect(text).toContain('16 images of 16 patients (8 “nodule”)');
    expect(text).toContain('Yet to sign: the operator, the data-protection officer.');
    expect(text).toContain(`consilium agent plan approve ${digest} --key KEYFILE`);
    expect(hospital.trainer.loaded).toEqual(['/data']);
  });

  it('shows the people who signed the plan, by their own keys', async () => {
    await hospital.consent.offered(planOffer());
    const { last } = await hospital.agent(['plan', 'show', RUN, '--json']);
    const people = (last()['signers'] as { person: string; roles: string[] }[]).map(({ person, roles }) => [
      person,
      roles,
    ]);
    expect(people).toEqual([
      ['person-admin0000000', ['admin']],
      ['person-proposer000', ['proposer']],
    ]);
  });

  it('shows what is wrong with the data, in words, and offers nothing to sign', async () => {
    await hospital.consent.offered(planOffer());
    hospital.trainer.fails = new Fault('DATA_LABEL_UNKNOWN', { line: 3 });
    const { text } = await hospital.agent(['plan', 'show', digest]);
    expect(text).toContain('Here: they cannot be used. DATA_LABEL_UNKNOWN:');
    hospital.trainer.fails = new Fault('DATA_LABEL_UNKNOWN', { line: 3 });
    expect((await sign()).errors).toContain('DATA_LABEL_UNKNOWN');
    expect(hospital.types()).not.toContain('plan.approved');
  });

  it('shows a plan that was decided with the data that it was decided for, and opens no folder', async () => {
    await hospital.consent.offered(planOffer());
    await hospital.agent(['plan', 'show', digest]);
    await hospital.consent.reject(RUN, 'operator');
    hospital.trainer.loaded.length = 0;
    const { text } = await hospital.agent(['plan', 'show', digest]);
    expect(text).toContain('State: rejected (PLAN_REJECTED).');
    expect(text).toContain('16 images of 16 patients');
    expect(hospital.trainer.loaded).toEqual([]);
  });

  it('knows no plan that was never offered, and asks which run where two wait', async () => {
    expect(await hospital.agent(['plan', 'show', NO_DIGEST])).toMatchObject({
      exit: 1,
      errors: expect.stringContaining('NOT_FOUND'),
    });
    await hospital.consent.offered(planOffer());
    await hospital.consent.offered(planOffer(plan, OTHER_RUN));
    expect((await hospital.agent(['plan', 'show', digest])).errors).toContain('a run id');
    expect((await hospital.agent(['plan', 'show', OTHER_RUN])).exit).toBe(0);
  });

  it('refuses what is neither a digest nor a run', async () => {
    expect((await hospital.agent(['plan', 'show', '../plan'])).errors).toContain('REQUEST_INVALID');
  });
});

describe('agent plan diff', () => {
  const next = planOf({ rounds: { ...plan.rounds, count: 30 }, sites: [...plan.sites].slice(0, 3) });

  it('compares with the plan that was approved last in this study', async () => {
    await hospital.consent.offered(planOffer());
    await sign();
    await hospital.agent(['plan', 'approve', RUN, '--key', hospital.keyFile('officer'), '--yes'], [PASSPHRASE]);
    expect(hospital.types()).toContain('plan.approved');
    await hospital.consent.offered(planOffer(next, OTHER_RUN));
    const { text } = await hospital.agent(['plan', 'diff', planDigest(next)]);
    expect(text).toContain(`− ${digest}\n+ ${planDigest(next)}`);
    expect(text).toContain('rounds\n  − 3\n  + 30');
    expect(text).toContain('sites\n  − site-d');
  });

  it('says that all is new where nothing was approved before', async () => {
    await hospital.consent.offered(planOffer());
    expect((await hospital.agent(['plan', 'diff', digest])).text).toContain('all of it is new');
    expect((await hospital.agent(['plan', 'diff', digest, '--json'])).last()).toEqual({
      before: null,
      after: digest,
      differences: null,
    });
  });

  it('compares any two that were offered', async () => {
    await hospital.consent.offered(planOffer());
    await hospital.consent.offered(planOffer(next, OTHER_RUN));
    const { last } = await hospital.agent(['plan', 'diff', planDigest(next), digest, '--json']);
    const paths = (last()['differences'] as { path: string }[]).map(({ path }) => path);
    expect(paths).toEqual(['sites', 'rounds.count', 'roster.sites.site-d']);
    expect((await hospital.agent(['plan', 'diff', digest, digest])).text).toContain('The two plans are the same.');
  });
});

it('needs a running agent', async () => {
  await hospital.stop();
  expect(await hospital.agent(['plan', 'list'])).toMatchObject({
    exit: 1,
    errors: expect.stringContaining('UNAVAILABLE'),
  });
});
