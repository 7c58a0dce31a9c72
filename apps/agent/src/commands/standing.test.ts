import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEnvelope, decodePublicKey } from '@consilium/identity';
import type { SiteEvent } from '@consilium/ledger';
import { planCanonicalJson, planDigest } from '@consilium/round';
import type { Digest } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelFamilyOf } from '../approval/standing-approvals.js';
import { APPROVERS, PASSPHRASE, TestHospital } from '../people.fixture.js';
import { DATASET, KEY, NO_DIGEST, OTHER_RUN, planDocument, planOf, planOffer, RUN } from '../plan.fixture.js';

const plan = planOf();
/** Another plan of the same study and model: it learns a little longer. */
const next = planOf({ rounds: { ...plan.rounds, count: 4 } });
let hospital: TestHospital;
let planFile: string;
beforeEach(async () => {
  hospital = await TestHospital.open();
  hospital.clock.time = Date.UTC(2026, 10, 25);
  planFile = join(hospital.folder, 'plan.json');
  await writeFile(planFile, planCanonicalJson(plan));
});
afterEach(() => hospital.close());

const grant = (who: 'operator' | 'officer', more: Record<string, string> = {}, answers = ['yes', PASSPHRASE]) => {
  const options = { study: 'lung-nodule', plan: planFile, rounds: '10', until: '2027-06-30', ...more };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return hospital.agent(['standing', 'grant', ...args, '--key', hospital.keyFile(who)], answers);
};
async function grantBoth(more?: Record<string, string>): Promise<Digest> {
  await grant('operator', more);
  await grant('officer', more);
  const granted = hospital.memory.log.entries.filter(
    (entry): entry is Extract<SiteEvent, { type: 'standing.granted' }> => entry.type === 'standing.granted',
  );
  return granted.at(-1)!.envelope;
}

describe('agent standing grant', () => {
  it('comes into force when both have signed the same terms, and the site last', async () => {
    const first = await grant('operator');
    expect(first.text).toContain('runs that fit it begin without anybody being asked');
    expect(first.text).toContain(`data    ${DATASET.digest}`);
    expect(first.text).toContain('Yet to sign: the data-protection officer');
    expect(hospital.types()).not.toContain('standing.granted');
    expect((await grant('officer')).text).toContain('In force. To end it:');
    const [granted] = hospital.memory.log.entries.filter(({ type }) => type === 'standing.granted');
    const { envelope } = granted as Extract<SiteEvent, { type: 'standing.granted' }>;
    const { payload } = openEnvelope(await hospital.memory.documents.get(envelope), 'approval', {
      all: [KEY.publicKey, ...APPROVERS.map(({ signing }) => decodePublicKey(signing))],
    });
    expect(payload).toMatchObject({ plan: null, run: null, by: 'people', expiresMs: Date.UTC(2027, 6, 1) });
    expect(payload.envelope).toMatchObject({ dataset: DATASET.digest, modelFamily: modelFamilyOf(plan), rounds: 10 });
  });

  it('lets a plan that fits begin by itself, until its rounds are used up', async () => {
    await grantBoth();
    await hospital.consent.offered(planOffer(plan, RUN)); // 3 rounds
    await hospital.consent.offered(planOffer(next, OTHER_RUN)); // 4
    expect(hospital.answers.map(({ decision }) => decision)).toMatchObject([{ by: 'standing' }, { by: 'standing' }]);
    await hospital.consent.offered(planOffer(next, 'run-0000000003' as typeof RUN));
    expect(hospital.answers).toHaveLength(2);
    const { text } = await hospital.agent(['standing', 'list']);
    expect(text).toContain('study lung-nodule, 3 of 10 rounds left, through 2027-06-30');
  });

  it('covers what waits already, as soon as it is in force', async () => {
    await hospital.consent.offered(planOffer());
    expect(hospital.answers).toEqual([]);
    await grantBoth();
    expect(hospital.answers).toMatchObject([{ run: RUN, decision: { approved: true, by: 'standing' } }]);
  });

  it('does not cover another model, nor other images', async () => {
    await grantBoth();
    const layers = [...plan.model.layers.slice(0, -1), { type: 'dense', name: 'out', units: 1 }];
    await hospital.consent.offered(planOffer(planOf({ model: { layers } })));
    hospital.trainer.load = async () => ({ ...DATASET, digest: NO_DIGEST }) as never;
    await hospital.consent.offered(planOffer(plan, OTHER_RUN));
    expect(hospital.answers).toEqual([]);
    expect(hospital.consent.pending()).toHaveLength(2);
  });

  it('takes a plan that was offered here by its digest, and a draft as authors write it', async () => {
    await hospital.consent.offered(planOffer());
    expect((await grant('operator', { plan: planDigest(plan) })).text).toContain('Signed.');
    await writeFile(planFile, JSON.stringify(planDocument));
    // The same terms, so that the officer signs what the operator has signed.
    expect((await grant('officer')).text).toContain('In force.');
  });

  it('is another draft with one more round, and the first person’s signature is none under it', async () => {
    await grant('operator');
    expect((await grant('officer', { rounds: '11' })).text).toContain('Yet to sign: the operator');
  });

  it.each<[string, Record<string, string>, string]>([
    ['an end that is past', { until: '2026-11-24' }, 'REQUEST_INVALID'],
    ['a day that there is not', { until: '2027-02-30' }, 'USAGE'],
    ['no rounds', { rounds: '0' }, 'USAGE'],
    ['the study of another plan', { study: 'breast' }, 'USAGE'],
    ['a plan that was never offered', { plan: NO_DIGEST }, 'NOT_FOUND'],
  ])('refuses %s', async (_what, more, code) => {
    expect((await grant('operator', more)).errors).toContain(code);
    expect(hospital.types()).toEqual([]);
  });

  it('is not given by anything but yes', async () => {
    expect((await grant('operator', {}, ['no'])).errors).toContain('CANCELLED');
  });

  it('answers programs in one line', async () => {
    const args = [
      '--study',
      'lung-nodule',
      '--plan',
      planFile,
      '--rounds',
      '10',
      '--until',
      '2027-06-30',
      '--yes',
      '--json',
    ];
    const { last } = await hospital.agent(['standing', 'grant', ...args, '--key', hospital.keyFile('operator')]);
    expect(last()).toEqual({ document: null, missing: ['data-protection-officer'] });
  });
});

describe('agent standing withdraw', () => {
  it('ends it at once: it covers no further run, and stands in the list no more', async () => {
    const document = await grantBoth();
    expect((await hospital.agent(['standing', 'list', '--json'])).last()).toMatchObject({
      standing: [{ document, used: 0 }],
    });
    expect((await hospital.agent(['standing', 'withdraw', document])).text).toContain('covers no further run');
    await hospital.consent.offered(planOffer());
    expect(hospital.answers).toEqual([]);
    expect((await hospital.agent(['standing', 'list'])).text).toBe('No standing approval is in force.');
    expect((await hospital.agent(['standing', 'withdraw', document])).errors).toContain('NOT_FOUND');
  });

  it('is not asked with something that is no digest', async () => {
    expect(await hospital.agent(['standing', 'withdraw', 'all'])).toMatchObject({ exit: 2 });
  });
});

describe('a restart', () => {
  it('keeps what is in force, and forgets what not all have signed', async () => {
    await grantBoth();
    await grant('operator', { rounds: '20' });
    await hospital.start();
    expect((await hospital.agent(['standing', 'list', '--json'])).last()).toMatchObject({ standing: [{ rounds: 10 }] });
    expect((await grant('officer', { rounds: '20' })).text).toContain('Yet to sign: the operator');
  });
});
