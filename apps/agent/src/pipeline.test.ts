import { planDigest } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { encodeSafetensors, l2Norm, subtract } from '@consilium/weights';
import { beforeEach, describe, expect, it } from 'vitest';
import { Guard } from './guard.js';
import { MemoryJournal } from './journal/journal.js';
import { ModelSource } from './models.js';
import { contribute, evaluateModel, type Hospital } from './pipeline.js';
import {
  approvedRecords,
  changed,
  DATASET,
  entriesOf,
  evaluationOffer,
  modelOf,
  planOf,
  roundOffer,
  SITE,
} from './plan.fixture.js';
import { Runs } from './runs.js';
import { clockAt, MemoryTrainer, MemoryUplink } from './twins.fixture.js';

const plan = planOf();
const never = new AbortController().signal;

let journal: MemoryJournal;
let trainer: MemoryTrainer;
let uplink: MemoryUplink;
let hospital: Hospital;
let downloads: number;
beforeEach(() => hospitalWith(approvedRecords()));

function hospitalWith(
  records: Parameters<typeof entriesOf>[0],
  datasets: Record<string, string> = { 'lung-nodule': '/data' },
): void {
  journal = new MemoryJournal(clockAt());
  trainer = new MemoryTrainer();
  uplink = new MemoryUplink();
  downloads = 0;
  const runs = new Runs(journal, entriesOf(records));
  const models = new ModelSource(async () => (downloads++, encodeSafetensors(modelOf(plan))));
  hospital = { site: SITE, datasets, runs, models, trainer, guard: new Guard(runs, uplink) };
}
const types = (): string[] => journal.entries.map(({ type }) => type);

describe('one round at a hospital', () => {
  it('goes from the images to the update in the order that the file tells', async () => {
    await contribute(roundOffer(plan), hospital, never, () => {});
    expect(types()).toEqual(['training.started', 'training.finished', 'egress.sent', 'egress.sent']);
    expect(uplink.left.map(({ kind }) => kind)).toEqual(['update-header']);
    expect(uplink.uploads).toHaveLength(1);
  });

  it('sends the difference between the weights after and before, and nothing of either', async () => {
    await contribute(roundOffer(plan), hospital, never, () => {});
    const after = changed(modelOf(plan), (value) => value + 0.01);
    const update = subtract(after, modelOf(plan));
    expect(Buffer.from(uplink.uploads[0]!.bytes).equals(Buffer.from(encodeSafetensors(update)))).toBe(true);
    expect(journal.entries.find(({ type }) => type === 'training.finished')).toMatchObject({
      norm: l2Norm(update),
      loss: 0.5,
      steps: 4,
    });
  });

  it('trains on this study’s folder, bound to the data that were approved, under this site’s name', async () => {
    await contribute(roundOffer(plan, { round: 2 }), hospital, never, () => {});
    expect(trainer.trained[0]).toMatchObject({
      data: { folders: ['/data'] },
      dataDigest: DATASET.digest,
      round: 2,
      label: SITE,
    });
  });

  it('measures the model that came where the plan asks, and does not elsewhere', async () => {
    await contribute(roundOffer(plan, { evaluate: false }), hospital, never, () => {});
    expect(trainer.evaluated).toHaveLength(0);
    await contribute(roundOffer(plan, { round: 2, evaluate: true }), hospital, never, () => {});
    expect(trainer.evaluated[0]?.weights.values).toEqual(modelOf(plan).values);
    expect(uplink.uploads.map(({ header }) => header.metrics?.auc?.value)).toEqual([undefined, 0.8]);
  });

  it('downloads a model once for a repeated round', async () => {
    await contribute(roundOffer(plan), hospital, never, () => {});
    await contribute(roundOffer(plan, { attempt: 2 }), hospital, never, () => {});
    expect(downloads).toBe(1);
  });

  const nothingHappens = async (code: string, offer = roundOffer(plan)): Promise<void> => {
    await expect(contribute(offer, hospital, never, () => {})).rejects.toMatchObject({ code });
    expect(types()).toEqual([]);
    expect([downloads, trainer.trained.length, uplink.left.length]).toEqual([0, 0, 0]);
  };

  it('does nothing without an approval of this run and this plan', async () => {
    hospitalWith(approvedRecords().slice(0, 2));
    await nothingHappens('PLAN_NOT_APPROVED');
    hospitalWith(approvedRecords());
    await nothingHappens('PLAN_NOT_APPROVED', roundOffer(plan, { planDigest: planDigest(planOf({ seed: 9 })) }));
  });

  it('does nothing for a round that the plan does not have, or without a folder for the study', async () => {
    await nothingHappens('ROUND_TRANSITION_REFUSED', roundOffer(plan, { round: 4 }));
    hospitalWith(approvedRecords(), {});
    await expect(contribute(roundOffer(plan), hospital, never, () => {})).rejects.toMatchObject({
      code: 'DATA_NOT_CONFIGURED',
    });
    expect(trainer.trained).toEqual([]);
  });

  it('lets nothing out when training failed', async () => {
    trainer.fails = new Fault('TRAINING_NOT_FINITE', { step: 3 });
    await expect(contribute(roundOffer(plan, { evaluate: false }), hospital, never, () => {})).rejects.toMatchObject({
      code: 'TRAINING_NOT_FINITE',
    });
    expect(types()).toEqual(['training.started']);
    expect(uplink.left).toEqual([]);
  });

  it('lets nothing out when the update is beyond the plan’s bound, and the journal says so', async () => {
    const bounded = planOf({ aggregation: { ...plan.aggregation, normBound: 0.001 } });
    hospitalWith(approvedRecords(bounded));
    await expect(contribute(roundOffer(bounded), hospital, never, () => {})).rejects.toMatchObject({
      code: 'UPDATE_NORM_EXCEEDED',
    });
    expect(types()).toEqual(['training.started', 'training.finished', 'egress.blocked']);
    expect(uplink.uploads).toEqual([]);
  });
});

describe('the final evaluation at a hospital', () => {
  it('lets the metrics and the count out, and nothing else', async () => {
    await evaluateModel(evaluationOffer(plan), hospital, never);
    const [message] = uplink.left;
    expect(Object.keys(message!).sort()).toEqual(['code', 'examples', 'kind', 'metrics', 'modelDigest', 'run']);
    expect(message).toMatchObject({ kind: 'evaluation', examples: DATASET.test.examples, code: null });
    expect(trainer.trained).toEqual([]);
  });

  it('needs the same approval as training does', async () => {
    hospitalWith([...approvedRecords(), { type: 'run.ended', run: evaluationOffer(plan).run, outcome: 'cancelled' }]);
    await expect(evaluateModel(evaluationOffer(plan), hospital, never)).rejects.toMatchObject({
      code: 'RUN_TRANSITION_REFUSED',
    });
    expect(uplink.left).toEqual([]);
  });
});
