import { addSignature, encodePublicKey, signEnvelope } from '@consilium/identity';
import type { Plan } from '@consilium/round';
import { beforeEach, describe, expect, it } from 'vitest';
import { FEDERATION, keyOf } from '../keys.fixture.js';
import { memoryLedger } from '../ledger.fixture.js';
import { DATASET, KEY, NO_DIGEST, planOf, SITE } from '../plan.fixture.js';
import { clockAt, MemoryTrainer } from '../twins.fixture.js';
import { Signers } from './signers.js';
import { StandingGrants, type Draft } from './standing-grants.js';

const [operator, officer] = [keyOf('operator'), keyOf('officer')];
const APPROVERS = [
  { role: 'operator' as const, signing: encodePublicKey(operator.publicKey) },
  { role: 'data-protection-officer' as const, signing: encodePublicKey(officer.publicKey) },
];
const plan: Plan = planOf();
const clock = clockAt();
const TERMS = { rounds: 10, expiresMs: clock.now() + 1_000 };

let memory: ReturnType<typeof memoryLedger>;
let trainer: MemoryTrainer;
beforeEach(() => {
  memory = memoryLedger();
  trainer = new MemoryTrainer();
});
const open = (approvers = APPROVERS, datasets: Record<string, string> = { 'lung-nodule': '/data' }): StandingGrants =>
  new StandingGrants({
    ...{ site: SITE, federation: FEDERATION, datasets, ledger: memory.ledger, trainer, clock },
    signers: new Signers(approvers, KEY),
  });
const sign = ({ approval }: Draft): Uint8Array => signEnvelope('approval', approval, [operator]);

describe('the draft of a standing approval', () => {
  it('is made of the data as they are now, and stays the same for the same terms', async () => {
    const grants = open();
    const draft = await grants.draft(plan, TERMS);
    expect(draft).toMatchObject({ dataset: DATASET, document: null, missing: ['operator', 'data-protection-officer'] });
    expect(draft.approval).toMatchObject({ plan: null, run: null, by: 'people', dataset: DATASET.digest });
    clock.advance(10);
    expect(await grants.draft(plan, TERMS)).toBe(draft);
    trainer.load = async () => ({ ...DATASET, digest: NO_DIGEST }) as never;
    expect((await grants.draft(plan, TERMS)).approval.dataset).toBe(NO_DIGEST);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['an end that is past', () => open().draft(plan, { ...TERMS, expiresMs: clock.now() }), 'REQUEST_INVALID'],
    ['nobody who could sign', () => open([]).draft(plan, TERMS), 'REQUEST_INVALID'],
    ['a study without a folder', () => open(APPROVERS, {}).draft(plan, TERMS), 'DATA_NOT_CONFIGURED'],
    ['another federation', () => open().draft({ ...plan, federation: 'another' }, TERMS), 'PLAN_INVALID'],
  ])('is not made for %s, and no folder is opened', async (_what, work, code) => {
    await expect(work()).rejects.toMatchObject({ code });
    expect(trainer.loaded).toEqual([]);
  });

  it('is one of at most sixteen: the oldest gives way', async () => {
    const grants = open();
    const first = await grants.draft(plan, TERMS);
    for (let rounds = 20; rounds < 36; rounds++) await grants.draft(plan, { ...TERMS, rounds });
    await expect(grants.sign(sign(first))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await grants.sign(sign(await grants.draft(plan, TERMS)))).toMatchObject({ document: null });
  });
});

describe('a standing approval', () => {
  it('is in the log only once all have signed, with its document kept first', async () => {
    const grants = open();
    const draft = await grants.draft(plan, TERMS);
    expect(await grants.sign(sign(draft))).toEqual({ document: null, missing: ['data-protection-officer'] });
    expect(memory.types()).toEqual([]);
    const { document } = await grants.sign(addSignature(sign(draft), 'approval', officer));
    expect(memory.log.entries).toEqual([{ type: 'standing.granted', envelope: document }]);
    expect(memory.documents.kept.has(document!)).toBe(true);
    expect(memory.ledger.standing.all()).toEqual([document]);
  });

  it('is not made of terms that the agent did not draft', async () => {
    const grants = open();
    const { approval } = await grants.draft(plan, TERMS);
    const longer = { ...approval, envelope: { ...approval.envelope!, rounds: 1_000_000 } };
    const forged = signEnvelope('approval', longer, [operator, officer]);
    await expect(grants.sign(forged)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const later = signEnvelope('approval', { ...approval, atMs: 0 }, [operator, officer]);
    await expect(grants.sign(later)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    expect(memory.types()).toEqual([]);
  });

  it('of two who sign at the same moment keeps the first, and the other signs again', async () => {
    const grants = open();
    const draft = await grants.draft(plan, TERMS);
    const other = signEnvelope('approval', draft.approval, [officer]);
    const outcomes = await Promise.allSettled([grants.sign(sign(draft)), grants.sign(other)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    const { document } = await grants.draft(plan, TERMS);
    expect((await grants.sign(addSignature(document!, 'approval', officer))).missing).toEqual([]);
  });

  it('is withdrawn once', async () => {
    const grants = open();
    const draft = await grants.draft(plan, TERMS);
    const { document } = await grants.sign(addSignature(sign(draft), 'approval', officer));
    await grants.withdraw(document!);
    expect(memory.ledger.standing.all()).toEqual([]);
    await expect(grants.withdraw(document!)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
