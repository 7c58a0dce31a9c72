import { addSignature, encodePublicKey, signEnvelope, type Approval } from '@consilium/identity';
import { planCanonicalJson, planDigest } from '@consilium/round';
import { digestOf, Fault, runId, utf8, type Digest } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { keyOf } from '../keys.fixture.js';
import { memoryLedger } from '../ledger.fixture.js';
import { approvalOf, KEY, OTHER_RUN, planOf, RUN } from '../plan.fixture.js';
import { PeopleApprovals, peoplesApproval } from './people.js';
import { Signers } from './signers.js';
import { modelFamilyOf, StandingApprovals } from './standing-approvals.js';

const operator = keyOf('operator');
const officer = keyOf('officer');
const deputy = keyOf('deputy');
const stranger = keyOf('stranger');
const approver = (role: 'operator' | 'data-protection-officer', key = operator) => ({
  role,
  signing: encodePublicKey(key.publicKey),
});
const APPROVERS = [
  approver('operator'),
  approver('data-protection-officer', officer),
  approver('data-protection-officer', deputy),
];
const plan = planOf();
const { by: _by, envelope: _envelope, ...draft } = approvalOf(plan, RUN);
const signedBy = (...keys: (typeof operator)[]): Uint8Array => signEnvelope('approval', peoplesApproval(draft), keys);

function hospital({ approvers = APPROVERS, now = 1_000 } = {}) {
  const { ledger, log, documents } = memoryLedger();
  const signers = new Signers(approvers, KEY);
  const standing = new StandingApprovals({ ledger, signers, clock: { now: () => now } });
  const approvals = new PeopleApprovals({ site: KEY, signers, standing });
  return { ledger, log, documents, signers, standing, approvals };
}
const THIRD_RUN = runId('run-0000000003');
const OTHER_MODEL = planOf({
  model: { layers: [...plan.model.layers.slice(0, -1), { type: 'dense', name: 'out', units: 1 }] },
});
const codeOf = (work: () => unknown): Promise<string> =>
  Promise.resolve()
    .then(work)
    .then(
      (value) => (value === null ? 'waits' : 'done'),
      (error: unknown) => Fault.from(error).code,
    );

describe('an approval by people', () => {
  it('is whole when each role that the settings name has signed, and carries the site’s signature last', async () => {
    const { approvals } = hospital();
    expect(await approvals.signed(draft, signedBy(operator))).toBeNull();
    const begun = approvals.soFar(draft).document!;
    const granted = await approvals.signed(draft, addSignature(begun, 'approval', officer));
    expect(granted?.by).toBe('people');
    expect(approvals.open(granted!.envelope)).toEqual(peoplesApproval(draft));
  });

  it('needs one of those named with a role, not all of them', async () => {
    expect(await codeOf(() => hospital().approvals.signed(draft, signedBy(operator, deputy)))).toBe('done');
  });

  it.each<[string, string, Uint8Array]>([
    ['somebody whom the settings do not name', 'SIGNATURE_INVALID', signedBy(operator, stranger)],
    ['the site’s own key instead of a person', 'SIGNATURE_INVALID', signedBy(operator, KEY)],
    [
      'the right people, of other data',
      'REQUEST_INVALID',
      signEnvelope('approval', { ...peoplesApproval(draft), dataset: 'f'.repeat(64) as Digest }, [operator, officer]),
    ],
    [
      'the right people, of another run',
      'REQUEST_INVALID',
      signEnvelope('approval', { ...peoplesApproval(draft), run: OTHER_RUN }, [operator, officer]),
    ],
  ])('does not count the signature of %s', async (_who, code, document) => {
    expect(await codeOf(() => hospital().approvals.signed(draft, document))).toBe(code);
  });

  it('does not lose a signature that was there', async () => {
    const { approvals } = hospital();
    await approvals.signed(draft, signedBy(operator));
    expect(await codeOf(() => approvals.signed(draft, signedBy(officer)))).toBe('REQUEST_INVALID');
  });

  it('begins anew when the data changed meanwhile', async () => {
    const { approvals } = hospital();
    await approvals.signed(draft, signedBy(operator));
    const other = approvals.soFar({ ...draft, dataset: 'e'.repeat(64) as Digest });
    expect(other).toEqual({ document: null, missing: ['operator', 'data-protection-officer'] });
    expect(approvals.soFar(draft)).toMatchObject({ missing: ['data-protection-officer'] }); // the control
  });

  it('is none any more once the settings no longer name who signed it', async () => {
    const { approvals } = hospital();
    const granted = await approvals.signed(draft, signedBy(operator, officer));
    const changed = hospital({ approvers: [approver('operator'), approver('data-protection-officer', deputy)] });
    expect(await codeOf(() => changed.approvals.open(granted!.envelope))).toBe('SIGNATURE_INVALID');
    expect(await codeOf(() => approvals.open(granted!.envelope))).toBe('done'); // the control
  });

  it('is not what the site has signed alone', async () => {
    const auto = signEnvelope('approval', approvalOf(plan, RUN), [KEY]);
    expect(await codeOf(() => hospital().approvals.open(auto))).toBe('SIGNATURE_MISSING');
  });
});

describe('a standing approval', () => {
  const terms = { dataset: draft.dataset, modelFamily: modelFamilyOf(plan), rounds: 7, expiresMs: 5_000 };
  const standing = (changes: object = {}, keys = [operator, officer, KEY]): Uint8Array => {
    const approval = {
      ...draft,
      plan: null,
      run: null,
      by: 'people',
      envelope: { ...terms, ...changes },
      expiresMs: 9_000,
    };
    return signEnvelope('approval', approval as Approval, keys);
  };
  let site: ReturnType<typeof hospital>;
  beforeEach(() => (site = hospital()));
  const grant = async (document: Uint8Array): Promise<Digest> => {
    const digest = await site.ledger.documents.put(document);
    await site.ledger.write({ type: 'standing.granted', envelope: digest });
    return digest;
  };

  it('lets a run of the same data and model begin without asking, by the site’s own signature', async () => {
    await grant(standing());
    const granted = await site.approvals.alone(draft, plan);
    expect(granted?.by).toBe('standing');
    expect(site.approvals.open(granted!.envelope)).toMatchObject({ by: 'standing', envelope: terms, expiresMs: 5_000 });
  });

  it.each<[string, object, typeof plan]>([
    ['other data', { dataset: 'a'.repeat(64) }, plan],
    ['another model', { modelFamily: 'b'.repeat(64) }, plan],
    ['more rounds', { rounds: 2 }, plan],
    ['a later time', { expiresMs: 999 }, plan],
    ['another study', {}, planOf({ study: 'another' })],
  ])('does not cover %s', async (_what, changes, of) => {
    const dataset = 'dataset' in changes ? { dataset: changes.dataset } : {};
    await grant(
      signEnvelope(
        'approval',
        {
          ...draft,
          ...dataset,
          plan: null,
          run: null,
          by: 'people',
          envelope: { ...terms, ...changes },
          expiresMs: 9_000,
        } as Approval,
        [operator, officer, KEY],
      ),
    );
    expect(await site.approvals.alone(draft, of)).toBeNull();
  });

  it('is used up by the rounds of the runs that it covered', async () => {
    await grant(standing());
    for (const run of [RUN, OTHER_RUN]) {
      const granted = await site.approvals.alone({ ...draft, run }, plan); // 3 rounds each
      await site.ledger.documents.put(utf8(planCanonicalJson(plan)));
      const envelope = await site.ledger.documents.put(granted!.envelope);
      expect(envelope).toBe(digestOf(granted!.envelope));
      const some = 'c'.repeat(64) as Digest;
      await site.ledger.write({ type: 'plan.offered', run, plan: planDigest(plan), envelope: some, roster: some });
      await site.ledger.write({ type: 'plan.approved', run, plan: planDigest(plan), by: 'standing', envelope });
    }
    expect(await site.approvals.alone({ ...draft, run: THIRD_RUN }, plan)).toBeNull();
  });

  it('does not give its last rounds to two runs that are approved at the same moment', async () => {
    await grant(standing());
    const runs = [RUN, OTHER_RUN, THIRD_RUN].map((run) => ({ ...draft, run }));
    const granted = await Promise.all(runs.map((of) => site.approvals.alone(of, plan))); // 3 rounds each, of 7
    expect(granted.map((one) => one?.by)).toEqual(['standing', 'standing', undefined]);
    // Whoever asks again for a run that took some already takes no more.
    expect(await site.approvals.alone(runs[0]!, plan)).not.toBeNull();
  });

  it('is looked for before any data are opened, by study and model', async () => {
    expect(await site.approvals.mayActAlone(plan)).toBe(false);
    await grant(standing());
    expect(await site.approvals.mayActAlone(plan)).toBe(true);
    expect(await site.approvals.mayActAlone(planOf({ study: 'another' }))).toBe(false);
    expect(await site.approvals.mayActAlone(OTHER_MODEL)).toBe(false);
  });

  it('cannot be told from the log alone when its document is damaged: that is no absence', async () => {
    const digest = await grant(standing());
    site.documents.kept.delete(digest);
    await expect(site.standing.inForce()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('ends when it is withdrawn, and when its signers are no longer named', async () => {
    const digest = await grant(standing());
    const other = new Signers([approver('operator')], KEY);
    const unnamed = new StandingApprovals({ ...site, signers: other, clock: { now: () => 1_000 } });
    expect(await unnamed.inForce()).toEqual([]);
    expect(await site.standing.inForce()).toHaveLength(1);
    await site.ledger.write({ type: 'standing.withdrawn', envelope: digest });
    expect(await site.approvals.alone(draft, plan)).toBeNull();
  });

  it('counts only with the signatures of all roles and the site', async () => {
    for (const keys of [
      [operator, KEY],
      [operator, officer],
      [operator, stranger, KEY],
    ])
      await grant(standing({}, keys));
    expect(await site.approvals.alone(draft, plan)).toBeNull();
    await grant(standing()); // the control
    expect(await site.approvals.alone(draft, plan)).not.toBeNull();
  });
});
