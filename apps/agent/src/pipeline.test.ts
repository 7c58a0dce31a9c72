import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEnvelope } from '@consilium/identity';
import type { SiteEvent } from '@consilium/ledger';
import { planDigest } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { encodeSafetensors, subtract } from '@consilium/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelDigestOf } from './baseline.js';
import { HubLog } from './hub-log.fixture.js';
import { approvedEvents } from './ledger.fixture.js';
import { ModelSource } from './models.js';
import type { RoundOffer } from './offers.js';
import { Outbox } from './outbox.js';
import { contribute, evaluateModel, type Hospital } from './pipeline.js';
import { changed, DATASET, evaluationOffer, KEY, modelOf, planOf, roundOffer, RUN, SITE } from './plan.fixture.js';
import { siteWith, type TestSite } from './site.fixture.js';
import { MemoryTrainer, SHARED } from './twins.fixture.js';

const plan = planOf();
const never = (): AbortSignal => new AbortController().signal;
const otherModel = changed(modelOf(plan), (value) => value + 1);

let folder: string;
let hub: HubLog;
let site: ReturnType<typeof siteWith>;
let trainer: MemoryTrainer;
let hospital: Hospital;
let downloads: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipeline-'));
  hub = new HubLog();
  open();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(terms: TestSite = {}, datasets: Record<string, string> = { 'lung-nodule': '/data' }): void {
  site = siteWith(terms);
  trainer = new MemoryTrainer();
  downloads = 0;
  const published = new Map(
    [modelOf(plan), otherModel].map((model) => [modelDigestOf(model), encodeSafetensors(model)]),
  );
  const models = new ModelSource(async ({ digest }) => (downloads++, published.get(digest)!));
  const { ledger, permits, guard } = site;
  const outbox = new Outbox(join(folder, 'outbox'));
  hospital = { site: SITE, datasets, permits, ledger, models, trainer, outbox, key: KEY, guard };
}
/** An agent that starts again with what the log and the outbox hold. */
function restart(): void {
  const { documents, log } = site;
  const past: SiteEvent[] = [...approvedEvents(documents, plan), ...log.entries];
  open({ past: (fresh) => (documents.kept.forEach((bytes, digest) => fresh.kept.set(digest, bytes)), past) });
}
/** An offer that this site has witnessed. */
async function witnessed(changes: Partial<RoundOffer> = {}): Promise<RoundOffer> {
  const offer = roundOffer(plan, changes, hub);
  await site.ledger.write(hub.cosigned());
  return offer;
}
const train = (offer: RoundOffer): Promise<void> => contribute(offer, hospital, never(), () => {});
const types = (): string[] => site.types().filter((type) => type !== 'witness.cosigned');

describe('one round at a hospital', () => {
  it('goes from the images to the update in the order that the file tells', async () => {
    await train(await witnessed());
    expect(types()).toEqual([
      'evidence.accepted',
      'training.started',
      'training.finished',
      'update.signed',
      'egress.sent',
      'egress.sent',
    ]);
    expect(site.uplink.left.map(({ kind }) => kind)).toEqual(['update-header']);
    expect(site.uplink.uploads).toHaveLength(1);
  });

  it('sends the difference between the weights after and before, and nothing of either', async () => {
    await train(await witnessed());
    const after = changed(modelOf(plan), (value) => value + 0.01);
    const update = subtract(after, modelOf(plan));
    expect(Buffer.from(site.uplink.uploads[0]!.bytes).equals(Buffer.from(encodeSafetensors(update)))).toBe(true);
  });

  it('signs what it sends, over the checkpoint in which it found the offer', async () => {
    const offer = await witnessed();
    await train(offer);
    const { header } = site.uplink.uploads[0]!;
    const { payload } = openEnvelope(header.statement, 'update', { all: [KEY.publicKey] });
    const { size, root } = hub.cosigned();
    expect(payload).toMatchObject({ run: RUN, round: 1, attempt: 1, site: SITE, model: offer.modelDigest });
    expect(payload).toMatchObject({ checkpoint: { size, root }, sha256: header.sha256, length: header.length });
  });

  it('trains on this study’s folder, bound to the data that were approved, under this site’s name', async () => {
    await train(await witnessed({ round: 2 }));
    const expected = { data: { folders: ['/data'] }, dataDigest: DATASET.digest, round: 2, label: SITE };
    expect(trainer.trained[0]).toMatchObject(expected);
  });

  it('measures the model that came where the plan asks, with three digits, and does not elsewhere', async () => {
    await train(await witnessed({ evaluate: false }));
    expect(trainer.evaluated).toHaveLength(0);
    await train(await witnessed({ round: 2, evaluate: true }));
    expect(trainer.evaluated[0]?.weights.values).toEqual(modelOf(plan).values);
    expect(site.uplink.uploads.map(({ header }) => header.metrics)).toEqual([null, SHARED]);
  });

  it('measures nothing on fewer than ten patients, and trains all the same', async () => {
    open({
      past: (documents) => approvedEvents(documents, plan, { dataset: { test: { ...DATASET.test, patients: 9 } } }),
    });
    await train(await witnessed());
    expect(trainer.evaluated).toHaveLength(0);
    expect(site.uplink.uploads[0]?.header.metrics).toBeNull();
  });

  const nothingHappens = async (code: string, offer: RoundOffer): Promise<void> => {
    await expect(train(offer)).rejects.toMatchObject({ code });
    expect(types()).toEqual([]);
    expect([downloads, trainer.trained.length, site.uplink.left.length]).toEqual([0, 0, 0]);
  };

  it('does nothing without an approval of this run and this plan', async () => {
    open({ past: (documents) => approvedEvents(documents, plan).slice(0, 2) });
    await nothingHappens('PLAN_NOT_APPROVED', await witnessed());
    open();
    await nothingHappens('PLAN_NOT_APPROVED', await witnessed({ planDigest: planDigest(planOf({ seed: 9 })) }));
  });

  it('does nothing for an offer that this site has not witnessed, or whose log it refused', async () => {
    await nothingHappens('LEDGER_NOT_WITNESSED', roundOffer(plan, {}, hub));
    open({ more: [{ type: 'witness.refused', code: 'LEDGER_FORKED', size: 1 }] });
    await nothingHappens('LEDGER_FORKED', roundOffer(plan, {}, hub));
  });

  it('does nothing for a round that the plan does not have, or without a folder for the study', async () => {
    await nothingHappens('ROUND_TRANSITION_REFUSED', await witnessed({ round: 4 }));
    open({}, {});
    await expect(train(await witnessed())).rejects.toMatchObject({ code: 'DATA_NOT_CONFIGURED' });
    expect(trainer.trained).toEqual([]);
  });

  it('lets nothing out when training failed', async () => {
    trainer.fails = new Fault('TRAINING_NOT_FINITE', { step: 3 });
    await expect(train(await witnessed({ evaluate: false }))).rejects.toMatchObject({ code: 'TRAINING_NOT_FINITE' });
    expect(types()).toEqual(['evidence.accepted', 'training.started']);
    expect(site.uplink.left).toEqual([]);
  });

  it('signs nothing and lets nothing out when the update is beyond the plan’s bound, and the log says so', async () => {
    const bounded = planOf({ aggregation: { ...plan.aggregation, normBound: 0.001 } });
    open({ plan: bounded });
    const offer = roundOffer(bounded, {}, hub);
    await site.ledger.write(hub.cosigned());
    await expect(train(offer)).rejects.toMatchObject({ code: 'UPDATE_NORM_EXCEEDED' });
    expect(types()).toEqual(['evidence.accepted', 'training.started', 'training.finished', 'egress.blocked']);
    expect(site.uplink.uploads).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('signs nothing after the word that suspends the plan, though its entry is still on the way to the disk', async () => {
    const offer = await witnessed();
    const { put } = site.ledger.documents;
    let suspending: Promise<void> | undefined;
    let isSlow = true;
    const { record } = site.log;
    site.log.record = async (event) => {
      if (event.type === 'plan.suspended') while (isSlow) await new Promise((resolve) => setImmediate(resolve));
      return record.call(site.log, event);
    };
    Object.assign(site.ledger.documents, {
      put: async (bytes: Uint8Array) => {
        const digest = await put(bytes);
        suspending = site.ledger.write({ type: 'plan.suspended', plan: offer.planDigest, by: 'operator' });
        return digest;
      },
    });
    await expect(train(offer)).rejects.toMatchObject({ code: 'PLAN_SUSPENDED' });
    isSlow = false;
    await suspending;
    expect(types()).not.toContain('update.signed');
  });

  it('stops in the middle when the approval is withdrawn, and nothing of it leaves', async () => {
    const offer = await witnessed({ evaluate: false });
    let finish = (): void => {};
    trainer.gate = new Promise((resolve) => (finish = resolve));
    const done = train(offer);
    await expect.poll(() => trainer.trained.length).toBe(1);
    await site.ledger.write({ type: 'plan.withdrawn', run: RUN, plan: offer.planDigest, by: 'people' });
    finish();
    await expect(done).rejects.toMatchObject({ code: 'PLAN_WITHDRAWN' });
    expect(site.uplink.left).toEqual([]);
    expect(types()).not.toContain('update.signed');
  });
});

describe('one value for each round', () => {
  it('refuses a second model for a round that it has accepted one for, now and after a restart', async () => {
    await train(await witnessed());
    const second = await witnessed({ attempt: 2, modelDigest: modelDigestOf(otherModel) });
    await expect(train(second)).rejects.toMatchObject({ code: 'ROUND_MODEL_CONFLICT' });
    restart();
    const third = await witnessed({ attempt: 3, modelDigest: modelDigestOf(otherModel) });
    await expect(train(third)).rejects.toMatchObject({ code: 'ROUND_MODEL_CONFLICT' });
    expect(trainer.trained).toEqual([]);
    // The same model in another round is another question: a careless check would refuse this too.
    await train(await witnessed({ round: 2, modelDigest: modelDigestOf(otherModel) }));
  });

  it('refuses the second model even when the first one’s training never ended', async () => {
    trainer.fails = new Fault('TRAINING_DIED');
    await expect(train(await witnessed({ evaluate: false }))).rejects.toMatchObject({ code: 'TRAINING_DIED' });
    const second = await witnessed({ attempt: 2, modelDigest: modelDigestOf(otherModel) });
    await expect(train(second)).rejects.toMatchObject({ code: 'ROUND_MODEL_CONFLICT' });
    await train(await witnessed({ attempt: 2 }));
    expect(site.uplink.uploads).toHaveLength(1);
  });

  it('sends the signed update again for another attempt, under its own statement, without training', async () => {
    await train(await witnessed());
    restart();
    await train(await witnessed({ attempt: 2 }));
    expect([trainer.trained.length, downloads]).toEqual([0, 0]);
    const { header } = site.uplink.uploads[0]!;
    expect(header).toMatchObject({ attempt: 2, examples: DATASET.train.examples, loss: 0.5, metrics: SHARED });
    expect(openEnvelope(header.statement, 'update', { all: [KEY.publicKey] }).payload.attempt).toBe(2);
    expect(types()).toEqual(['evidence.accepted', 'update.signed', 'egress.sent', 'egress.sent']);
  });

  it('sends the very same statement again for the same attempt', async () => {
    const offer = await witnessed();
    await train(offer);
    const { statement } = site.uplink.uploads[0]!.header;
    restart();
    hub.append({ type: 'round.deadline', run: RUN, round: 1, attempt: 1 });
    await site.ledger.write(hub.cosigned());
    await train({ ...offer, evidence: hub.evidence(1) });
    expect(site.uplink.uploads[0]!.header.statement).toEqual(statement);
    expect(types()).not.toContain('update.signed');
  });

  it('makes no second update when the first is lost from the outbox', async () => {
    await train(await witnessed());
    restart();
    await rm(join(folder, 'outbox'), { recursive: true });
    await expect(train(await witnessed({ attempt: 2 }))).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
    expect(trainer.trained).toEqual([]);
  });

  it('says nothing more in a round that was published', async () => {
    await train(await witnessed());
    await site.ledger.write({ type: 'round.closed', run: RUN, round: 1, attempt: 1, outcome: 'published' });
    await expect(train(await witnessed({ attempt: 2 }))).rejects.toMatchObject({ code: 'ROUND_TRANSITION_REFUSED' });
    expect(site.uplink.uploads).toHaveLength(1);
  });
});

describe('the final evaluation at a hospital', () => {
  const offered = async () => {
    const offer = evaluationOffer(plan, hub);
    await site.ledger.write(hub.cosigned());
    return offer;
  };

  it('lets the metrics and the count out, and nothing else', async () => {
    await evaluateModel(await offered(), hospital, never());
    const [message] = site.uplink.left;
    expect(Object.keys(message!).sort()).toEqual(['code', 'examples', 'kind', 'metrics', 'modelDigest', 'run']);
    expect(message).toMatchObject({ kind: 'evaluation', examples: DATASET.test.examples, metrics: SHARED, code: null });
    expect(trainer.trained).toEqual([]);
  });

  it('needs the same approval and the same evidence as training does', async () => {
    const offer = evaluationOffer(plan, hub);
    await expect(evaluateModel(offer, hospital, never())).rejects.toMatchObject({ code: 'LEDGER_NOT_WITNESSED' });
    open({ more: [{ type: 'run.ended', run: RUN, outcome: 'cancelled' }] });
    await expect(evaluateModel(await offered(), hospital, never())).rejects.toMatchObject({
      code: 'RUN_TRANSITION_REFUSED',
    });
    expect(site.uplink.left).toEqual([]);
  });

  it('measures one model for each run', async () => {
    await evaluateModel(await offered(), hospital, never());
    const { kind, run, planDigest: digest, modelBytes, evidence } = await offered();
    const second = hub.offered({
      kind,
      run,
      planDigest: digest,
      modelBytes,
      evidence,
      modelDigest: modelDigestOf(otherModel),
    });
    await site.ledger.write(hub.cosigned());
    await expect(evaluateModel(second, hospital, never())).rejects.toMatchObject({ code: 'ROUND_MODEL_CONFLICT' });
  });

  it('does not look at fewer than ten patients', async () => {
    open({
      past: (documents) => approvedEvents(documents, plan, { dataset: { test: { ...DATASET.test, patients: 9 } } }),
    });
    await expect(evaluateModel(await offered(), hospital, never())).rejects.toMatchObject({ code: 'METRICS_TOO_FEW' });
    expect([trainer.evaluated.length, site.uplink.left.length]).toEqual([0, 0]);
  });
});
