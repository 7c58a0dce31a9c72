import { openEnvelope } from '@consilium/identity';
import type { SiteEvent } from '@consilium/ledger';
import { ethicsEndMs, planDigest } from '@consilium/round';
import { Fault, type Digest } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { AutoApprovals, type Approvals } from './approvals.js';
import { Consent } from './consent.js';
import { StateFault } from './fatal.js';
import { FEDERATION, ROOT, ROSTER_DOCUMENT } from './keys.fixture.js';
import { ENROLLED, MemoryDocuments, memoryLedger } from './ledger.fixture.js';
import type { Decision } from './ledger/runs.js';
import { DATASET, KEY, NO_DIGEST, OTHER_RUN, planOf, planOffer, RUN, SITE } from './plan.fixture.js';
import type { ReviewTerms } from './review.js';
import { Rosters } from './rosters.js';
import { clockAt, MemoryTrainer } from './twins.fixture.js';

const TERMS: ReviewTerms = {
  site: SITE,
  federation: FEDERATION,
  jurisdiction: 'DE',
  signing: KEY.publicKey,
  datasets: { 'lung-nodule': '/data' },
};
const plan = planOf();
const digest = planDigest(plan);
const nobody = new Uint8Array();

/** Two people must sign; the test says for whom a document stands by its first byte. */
class TwoPeople extends AutoApprovals implements Approvals {
  readonly #signed = new Set<number>();
  override mayActAlone = async (): Promise<boolean> => false;

  override async signed(draft: Parameters<Approvals['signed']>[0], document: Uint8Array) {
    if (document[0] === 9) throw new Fault('SIGNATURE_INVALID');
    this.#signed.add(document[0]!);
    return this.#signed.size === 2 ? this.alone(draft) : null;
  }
}

let memory: ReturnType<typeof memoryLedger>;
let trainer: MemoryTrainer;
let answers: { run: string; planDigest: Digest; decision: Decision }[];
let withdrawn: string[];
let clock: ReturnType<typeof clockAt>;
beforeEach(async () => {
  const documents = new MemoryDocuments();
  await documents.put(ROSTER_DOCUMENT);
  memory = memoryLedger(ENROLLED, documents);
  trainer = new MemoryTrainer();
  clock = clockAt();
  [answers, withdrawn] = [[], []];
});
async function open(approvals: Approvals = new AutoApprovals(KEY), terms: object = {}): Promise<Consent> {
  const { ledger } = memory;
  const rosters = await Rosters.open({ ledger, federation: FEDERATION, rootPem: ROOT.certificatePem }, ROSTER_DOCUMENT);
  return new Consent(
    { ...TERMS, ...terms },
    {
      ledger,
      rosters,
      approvals,
      trainer,
      clock,
      answer: async (run, of, decision) => void answers.push({ run, planDigest: of, decision }),
      withdrawn: async (run) => void withdrawn.push(run),
    },
  );
}
/** The agent starts again, with what its log says. */
function restart(): void {
  memory = memoryLedger([...ENROLLED, ...memory.log.entries], memory.documents);
  answers = [];
  trainer.loaded.length = 0;
}
const types = (): string[] => memory.types();
const people = (): Approvals => new TwoPeople(KEY);

describe('consent by the settings', () => {
  it('reads the data, writes the approval down, and only then tells the coordinator', async () => {
    await (await open()).offered(planOffer());
    expect(types()).toEqual(['plan.offered', 'dataset.loaded', 'plan.approved']);
    expect(trainer.loaded).toEqual(['/data']);
    expect(answers).toMatchObject([{ run: RUN, planDigest: digest, decision: { approved: true, by: 'auto' } }]);
  });

  it('signs exactly this run of this plan on these data, until the ethics approval ends', async () => {
    await (await open()).offered(planOffer());
    const { envelope } = memory.log.entries.at(-1) as Extract<SiteEvent, { type: 'plan.approved' }>;
    const { payload } = openEnvelope(await memory.documents.get(envelope), 'approval', { all: [KEY.publicKey] });
    expect(payload).toMatchObject({ plan: digest, run: RUN, site: SITE, dataset: DATASET.digest, by: 'auto' });
    expect(payload).toMatchObject({ expiresMs: ethicsEndMs(plan.governance), atMs: clock.now() });
  });

  it('keeps the documents that the log names: plan, envelope, roster, exact counts, approval', async () => {
    await (await open()).offered(planOffer());
    const named = memory.log.entries.flatMap((entry) =>
      entry.type === 'plan.offered'
        ? [entry.plan, entry.envelope, entry.roster]
        : entry.type === 'dataset.loaded'
          ? [entry.document]
          : entry.type === 'plan.approved'
            ? [entry.envelope]
            : [],
    );
    expect(named).toHaveLength(5);
    for (const of of named) await memory.documents.get(of);
    expect(memory.log.entries[1]).toMatchObject({ dataset: DATASET.digest, train: '10-49', test: '10-49' });
    expect(JSON.stringify(memory.log.entries)).not.toContain('"examples"');
  });

  it('rejects by itself what the review refuses, with its code', async () => {
    await (await open()).offered(planOffer(plan, RUN, { planDigest: NO_DIGEST }));
    expect(types()).toEqual(['plan.rejected']);
    expect(answers[0]?.decision).toEqual({ approved: false, by: 'agent', code: 'PLAN_DIGEST_MISMATCH' });
  });

  it('rejects a plan whose roster is not to be believed', async () => {
    await (await open()).offered(planOffer(plan, RUN, { roster: new Uint8Array() }));
    expect(answers[0]?.decision).toMatchObject({ code: 'ROSTER_INVALID' });
  });

  it('rejects data with fewer patients than the study’s contract asks for', async () => {
    await (
      await open()
    ).offered(planOffer(planOf({}, { dataContract: { ...plan.governance.dataContract, minPatients: 29 } })));
    expect(answers[0]?.decision).toMatchObject({ code: 'DATA_CONTRACT_UNMET' });
    const enough = planOf({}, { dataContract: { ...plan.governance.dataContract, minPatients: 28 } });
    await (await open()).offered(planOffer(enough, OTHER_RUN));
    expect(answers[1]?.decision).toMatchObject({ approved: true });
  });

  it.each(['DATA_EMPTY', 'DATA_LABEL_UNKNOWN', 'DATA_NOT_AN_IMAGE', 'DATA_PATIENT_IN_TWO_SPLITS'] as const)(
    'does not agree to what its data cannot do: %s becomes the rejection’s code',
    async (code) => {
      trainer.fails = new Fault(code);
      await (await open()).offered(planOffer());
      expect(types()).toEqual(['plan.offered', 'plan.rejected']);
      expect(answers[0]?.decision).toEqual({ approved: false, by: 'agent', code });
    },
  );

  it('leaves a plan undecided when the agent is stopped while it reads the data', async () => {
    trainer.fails = new Fault('CANCELLED');
    await expect((await open()).offered(planOffer())).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(types()).toEqual(['plan.offered']);
    await (await open()).offered(planOffer());
    expect(types()).toEqual(['plan.offered', 'dataset.loaded', 'plan.approved']);
  });

  it('leaves a plan undecided when the disk is full or broken, which says nothing of the plan', async () => {
    for (const fault of [new Fault('DISK_FULL'), new StateFault('LEDGER_UNWRITABLE')]) {
      memory.documents.fails = fault;
      await expect((await open()).offered(planOffer())).rejects.toMatchObject({ code: fault.code });
      expect(answers).toEqual([]);
    }
    memory.documents.fails = undefined;
    await (await open()).offered(planOffer());
    expect(answers).toHaveLength(1);
  });
});

describe('consent by people', () => {
  it('waits: nothing is read and nothing is said', async () => {
    const consent = await open(people());
    await consent.offered(planOffer());
    expect(consent.pending()).toMatchObject([{ run: RUN, planDigest: digest, prepared: null }]);
    expect(types()).toEqual(['plan.offered']);
    expect([trainer.loaded, answers]).toEqual([[], []]);
  });

  it('shows what there is to sign once somebody looks, and takes each signature until all have signed', async () => {
    const consent = await open(people());
    await consent.offered(planOffer());
    await expect(consent.sign(RUN, Uint8Array.of(1))).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    const { prepared } = await consent.prepare(digest);
    expect(prepared).toMatchObject({ draft: { run: RUN, dataset: DATASET.digest }, dataset: DATASET });
    expect(await consent.sign(RUN, Uint8Array.of(1))).toBeNull();
    expect(answers).toEqual([]);
    await expect(consent.sign(RUN, Uint8Array.of(9))).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    expect(await consent.sign(RUN, Uint8Array.of(2))).toMatchObject({ approved: true });
    expect(types()).toEqual(['plan.offered', 'dataset.loaded', 'plan.approved']);
    expect(consent.pending()).toEqual([]);
  });

  it('keeps the draft while the data stay the same, and makes another when they change', async () => {
    const consent = await open(people());
    await consent.offered(planOffer());
    const first = (await consent.prepare(RUN)).prepared;
    clock.advance(60_000);
    expect((await consent.prepare(RUN)).prepared).toEqual(first);
    expect(types()).toEqual(['plan.offered', 'dataset.loaded']);
    trainer.load = async () => ({ ...DATASET, digest: NO_DIGEST }) as never;
    expect((await consent.prepare(RUN)).prepared?.draft.dataset).toBe(NO_DIGEST);
  });

  it('tells people what is wrong with the data, and leaves the plan to them', async () => {
    const consent = await open(people());
    await consent.offered(planOffer());
    trainer.fails = new Fault('DATA_EMPTY');
    await expect(consent.prepare(RUN)).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    expect(consent.pending()).toHaveLength(1);
    await consent.prepare(RUN);
  });

  it('is not given when the ethics approval ran out before the last one signed', async () => {
    const consent = await open(people());
    await consent.offered(planOffer());
    await consent.prepare(RUN);
    await consent.sign(RUN, Uint8Array.of(1));
    clock.time = ethicsEndMs(plan.governance);
    await expect(consent.sign(RUN, Uint8Array.of(2))).rejects.toMatchObject({ code: 'ETHICS_EXPIRED' });
    expect(types()).not.toContain('plan.approved');
  });

  it('rejects at a person’s word, with a code and no reason in words', async () => {
    const consent = await open(people());
    await consent.offered(planOffer());
    await consent.reject(RUN, 'data-protection-officer');
    expect(memory.log.entries.at(-1)).toMatchObject({
      type: 'plan.rejected',
      by: 'data-protection-officer',
      code: 'PLAN_REJECTED',
    });
    expect(answers[0]?.decision).toMatchObject({ approved: false, code: 'PLAN_REJECTED' });
  });

  it('takes an approval back for good: once in the log, and told again whenever the run is offered', async () => {
    const consent = await open();
    await consent.offered(planOffer());
    await consent.withdraw(RUN, 'operator');
    await consent.withdraw(RUN, 'operator');
    expect(types().filter((type) => type === 'plan.withdrawn')).toHaveLength(1);
    restart();
    await (await open()).offered(planOffer());
    expect(answers).toEqual([]);
    expect(withdrawn).toEqual([RUN, RUN, RUN]);
    expect(() => memory.ledger.runs.approved(RUN, digest)).toThrow(expect.objectContaining({ code: 'PLAN_WITHDRAWN' }));
    await expect((await open()).withdraw(OTHER_RUN, 'operator')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('suspends a plan at once, and does not approve it by itself meanwhile', async () => {
    const consent = await open();
    await consent.suspend(digest, 'data-protection-officer');
    await consent.offered(planOffer());
    expect(types()).toEqual(['plan.suspended', 'plan.offered']);
    await consent.resume(digest, 'data-protection-officer');
    expect(memory.ledger.runs.isSuspended(digest)).toBe(false);
  });
});

describe('one approval, one run', () => {
  it('asks a person once: an offer repeated while it waits changes nothing', async () => {
    const consent = await open(people());
    await Promise.all([consent.offered(planOffer()), consent.offered(planOffer()), consent.offered(planOffer())]);
    expect(consent.pending()).toHaveLength(1);
    expect(types()).toEqual(['plan.offered']);
  });

  it('repeats the log’s decision after a restart, without reading data or asking again', async () => {
    await (await open()).offered(planOffer());
    const [first] = answers;
    restart();
    const after = await open(people());
    await after.offered(planOffer());
    expect(answers).toEqual([first]);
    expect([after.pending(), trainer.loaded, types()]).toEqual([[], [], []]);
  });

  it('asks again for another run of the same plan', async () => {
    const consent = await open(people());
    await consent.offered(planOffer());
    await consent.offered(planOffer(plan, OTHER_RUN));
    await expect(consent.prepare(digest)).rejects.toMatchObject({ code: 'REQUEST_INVALID', facts: { waiting: 2 } });
    await consent.prepare(OTHER_RUN);
    await consent.sign(OTHER_RUN, Uint8Array.of(1));
    await consent.sign(OTHER_RUN, Uint8Array.of(2));
    expect(answers.map(({ run }) => run)).toEqual([OTHER_RUN]);
    expect(consent.pending()).toMatchObject([{ run: RUN }]);
  });

  it('refuses another plan under the name of a run that it has already been asked about', async () => {
    const consent = await open();
    await consent.offered(planOffer());
    await consent.offered(planOffer(planOf({ seed: 8 })));
    expect(answers.at(-1)?.decision).toEqual({ approved: false, by: 'agent', code: 'PLAN_DIGEST_MISMATCH' });
  });

  it('cannot decide what does not wait, twice, or after the run ended', async () => {
    const consent = await open(people());
    await expect(consent.sign(digest, nobody)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await consent.offered(planOffer());
    const outcomes = await Promise.allSettled([consent.reject(RUN), consent.reject(RUN)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await consent.offered(planOffer(plan, OTHER_RUN));
    consent.ended(OTHER_RUN);
    await expect(consent.reject(OTHER_RUN)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('answers OVERLOADED when more plans wait than a person can be asked about', async () => {
    const consent = await open(people());
    const offer = planOffer();
    for (let i = 0; i < 33; i++)
      await consent.offered({ ...offer, run: `run-00000001${String(i).padStart(2, '0')}` as typeof RUN });
    expect(consent.pending()).toHaveLength(32);
    expect(answers).toHaveLength(1);
    expect(answers[0]?.decision).toMatchObject({ approved: false, code: 'OVERLOADED' });
  });
});
