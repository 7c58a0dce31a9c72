import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodePublicKey, encodePublicKey, openEnvelope } from '@consilium/identity';
import type { SiteEvent } from '@consilium/ledger';
import { planDigest } from '@consilium/round';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { APPROVERS, OFFICER, OPERATOR, PASSPHRASE, TestHospital } from '../people.fixture.js';
import { DATASET, KEY, OTHER_RUN, planOf, planOffer, roundOffer, RUN } from '../plan.fixture.js';
import { settle } from '../twins.fixture.js';

const plan = planOf();
const digest = planDigest(plan);
let hospital: TestHospital;
beforeEach(async () => {
  hospital = await TestHospital.open();
  await hospital.consent.offered(planOffer());
});
afterEach(() => hospital.close());

type Who = 'operator' | 'officer' | 'stranger';
const approve = (who: Who, answers: readonly string[] = ['yes'], ...more: string[]) =>
  hospital.agent(['plan', 'approve', digest, '--key', hospital.keyFile(who), ...more], answers);
const approval = (): Extract<SiteEvent, { type: 'plan.approved' }> | undefined =>
  hospital.memory.log.entries.find((entry) => entry.type === 'plan.approved');

describe('agent plan approve', () => {
  it('is complete when both have signed, each with a key of their own that the agent never sees', async () => {
    const first = await approve('operator');
    expect(first.text).toContain('What the coordinator could see in it');
    expect(first.text).toContain('You sign as the operator.');
    expect(first.text).toContain('Signed. Yet to sign: the data-protection officer');
    expect(approval()).toBeUndefined();

    const second = await approve('officer', ['yes', PASSPHRASE]);
    expect(second.asked).toEqual([
      { question: 'Do you approve this plan for this one run? Type yes: ', secret: false },
      { question: 'Passphrase of your key: ', secret: true },
    ]);
    expect(second.text).toContain('Approved, for this one run.');
    const document = await hospital.memory.documents.get(approval()!.envelope);
    const any = APPROVERS.map(({ signing }) => decodePublicKey(signing));
    const { payload, signers } = openEnvelope(document, 'approval', { all: [KEY.publicKey], any });
    expect(payload).toMatchObject({ plan: digest, run: RUN, dataset: DATASET.digest, by: 'people' });
    expect(signers.map(encodePublicKey).sort()).toEqual(
      [KEY, OPERATOR, OFFICER].map(({ publicKey }) => encodePublicKey(publicKey)).sort(),
    );
    expect(hospital.answers).toMatchObject([{ run: RUN, decision: { approved: true, by: 'people' } }]);
  });

  it('is not given by anything but yes', async () => {
    for (const answer of ['', 'y', 'no', 'ja']) {
      expect(await approve('operator', [answer])).toMatchObject({
        exit: 1,
        errors: expect.stringContaining('CANCELLED'),
      });
    }
    expect((await hospital.agent(['plan', 'show', digest])).text).toContain(
      'Yet to sign: the operator, the data-protection',
    );
  });

  it('says for programs who has yet to sign, and shows people the text beside it', async () => {
    const { last, out, errors } = await approve('operator', undefined, '--yes', '--json');
    expect(last()).toEqual({ run: RUN, planDigest: digest, approved: false, missing: ['data-protection-officer'] });
    expect(out).toHaveLength(1);
    expect(errors).toContain('What leaves this site');
  });

  it('takes the passphrase from a file where nobody sits at a terminal', async () => {
    const file = join(hospital.folder, 'passphrase');
    await writeFile(file, `${PASSPHRASE}\n`);
    const args = ['plan', 'approve', digest, '--key', hospital.keyFile('officer'), '--yes'];
    expect((await hospital.agent(args)).errors).toContain('USAGE');
    expect((await hospital.agent([...args, '--passphrase-file', file])).text).toContain('Signed.');
  });

  it.each<[string, Who, string[], string]>([
    ['a key that the settings do not name, before anything is asked', 'stranger', ['yes'], 'SIGNATURE_INVALID'],
    ['another passphrase', 'officer', ['yes', 'wrong'], 'KEY_LOCKED'],
  ])('refuses %s', async (_what, who, answers, code) => {
    const { exit, errors, asked } = await approve(who, answers);
    expect([exit, errors]).toEqual([1, expect.stringContaining(code)]);
    if (who === 'stranger') expect(asked).toEqual([]);
    expect(approval()).toBeUndefined();
  });

  it('asks for one key, and not for two', async () => {
    for (const more of [[], ['--pkcs11', 'x.so'], ['--key', 'x', '--pkcs11', 'x.so']])
      expect((await hospital.agent(['plan', 'approve', digest, '--yes', ...more])).errors).toContain('USAGE');
    expect((await hospital.agent(['plan', 'approve', digest, '--yes', '--key', 'none'])).errors).toContain('NOT_FOUND');
  });

  it('begins again after the agent was started again, and tells so by who has yet to sign', async () => {
    await approve('operator');
    await hospital.start();
    await hospital.consent.offered(planOffer());
    expect((await hospital.agent(['plan', 'show', digest])).text).toContain(
      'Yet to sign: the operator, the data-protection',
    );
  });

  it('does not put a signature under what was not shown: other terms in what was signed before', async () => {
    const { signTerms } = await import('../approval/sign-terms.js');
    const { last } = await hospital.agent(['plan', 'show', digest, '--json']);
    const { readTerms } = await import('../approval/read-page.js');
    const terms = readTerms(last()['draft'] as string);
    const key = { publicKey: OFFICER.publicKey, unlock: async () => OFFICER };
    const settings = { approvers: APPROVERS };
    const signed = async (of: typeof terms) =>
      Buffer.from(
        await signTerms(of, null, { publicKey: OPERATOR.publicKey, unlock: async () => OPERATOR }, settings),
      ).toString('base64');
    const other = { ...terms, run: OTHER_RUN };
    await expect(signTerms(terms, await signed(other), key, settings)).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    });
    await signTerms(terms, await signed(terms), key, settings); // the control
  });

  it('is not asked of anybody where the settings let the agent decide', async () => {
    const auto = await TestHospital.open({ approve: 'auto' });
    await auto.consent.offered(planOffer());
    const { errors } = await auto.agent(['plan', 'approve', digest, '--key', auto.keyFile('operator'), '--yes']);
    expect(errors).toContain('SETTINGS_INVALID');
    await auto.close();
  });
});

describe('a word that needs no key', () => {
  const say = (word: string, as?: string, reference: string = digest, ...more: string[]) =>
    hospital.agent(['plan', word, reference, ...(as ? ['--as', as] : []), ...more]);
  const approved = async (): Promise<void> => {
    await approve('operator');
    await approve('officer', ['yes', PASSPHRASE]);
  };

  it('names the role, which stands in the log', async () => {
    expect((await say('reject')).exit).toBe(2);
    expect((await say('reject', 'director')).exit).toBe(2);
    expect((await say('reject', 'data-protection-officer')).text).toContain('Rejected.');
    expect(hospital.memory.log.entries.at(-1)).toMatchObject({ type: 'plan.rejected', by: 'data-protection-officer' });
    expect(hospital.answers).toMatchObject([{ decision: { approved: false, code: 'PLAN_REJECTED' } }]);
  });

  it('withdraws an approval for good, by either role alone', async () => {
    await approved();
    expect((await say('withdraw', 'data-protection-officer')).text).toContain('cannot be called back');
    expect(hospital.memory.log.entries.at(-1)).toMatchObject({ type: 'plan.withdrawn', run: RUN });
    expect(hospital.withdrawn).toEqual([RUN]);
    expect((await hospital.agent(['plan', 'list'])).text).toContain('withdrawn');
    expect((await say('withdraw', 'operator', OTHER_RUN)).errors).toContain('NOT_FOUND');
  });

  it('suspends at once: the work under way ends, and the coordinator need not wait for it', async () => {
    await approved();
    const offer = roundOffer(plan);
    hospital.worklist.offer(offer);
    expect((await say('suspend', 'data-protection-officer')).text).toContain('Suspended');
    await settle();
    expect(hospital.stopped).toEqual([offer]);
    expect(hospital.sent).toEqual([{ kind: 'round-refusal', run: RUN, round: 1, attempt: 1, code: 'PLAN_SUSPENDED' }]);
    expect(() => hospital.memory.ledger.runs.approved(RUN, digest)).toThrow(
      expect.objectContaining({ code: 'PLAN_SUSPENDED' }),
    );
  });

  it('leaves the work of other plans alone', async () => {
    hospital.worklist.offer(roundOffer(planOf({ seed: 8 }), { run: OTHER_RUN }));
    await say('suspend', 'operator');
    await settle();
    expect([hospital.stopped, hospital.sent]).toEqual([[], []]);
  });

  it('resumes what the same role has suspended, and not what the other has', async () => {
    await approved();
    await say('suspend', 'operator');
    await say('suspend', 'data-protection-officer');
    expect((await say('resume', 'operator')).text).toContain('stays suspended by the data-protection officer');
    expect(hospital.memory.ledger.runs.isSuspended(digest)).toBe(true);
    expect((await say('resume', 'data-protection-officer')).text).toBe('Resumed.');
    expect(hospital.memory.ledger.runs.approved(RUN, digest)).toBeDefined();
  });

  it('answers programs with what stands in the log now', async () => {
    const { last } = await say('suspend', 'operator', RUN, '--json');
    expect(last()).toMatchObject({
      planDigest: digest,
      runs: [{ run: RUN, decision: 'waiting', suspended: ['operator'] }],
    });
  });
});

describe('a plan that was suspended while it waited', () => {
  it('is decided by the settings once it is resumed', async () => {
    const auto = await TestHospital.open({ approve: 'auto' });
    await auto.consent.suspend(digest, 'operator');
    await auto.consent.offered(planOffer());
    expect(auto.answers).toEqual([]);
    expect((await auto.agent(['plan', 'resume', digest, '--as', 'operator'])).exit).toBe(0);
    expect(auto.answers).toMatchObject([{ decision: { approved: true, by: 'auto' } }]);
    await auto.close();
  });
});
