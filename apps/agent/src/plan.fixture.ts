import { initialise } from '@consilium/model';
import { parsePlan, planCanonicalJson, planDigest, type Plan } from '@consilium/round';
import { digest, runId, utf8, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { encodeSafetensors, weightsOf, type Weights } from '@consilium/weights';
import { modelDigestOf } from './baseline.js';
import type { Entry, JournalRecord } from './journal/entry.js';
import type { EvaluationOffer, PlanOffer, RoundOffer } from './offers.js';

/** A small plan of the phantom study; what a test cares about it says itself. */
export const planDocument = {
  schema: 'consilium.plan/1',
  study: 'lung-nodule',
  title: 'Nodules',
  purpose: 'Tells nodules from vessels.',
  federation: 'testfed',
  sites: ['site-a', 'site-b'],
  task: { kind: 'binary-classification', classes: ['no-nodule', 'nodule'] },
  preprocessing: { size: [8, 8], normalise: 'per-image' },
  model: {
    layers: [
      { type: 'input', name: 'image', shape: [8, 8, 1] },
      { type: 'conv2d', name: 'conv', filters: 2, kernel: [3, 3] },
      { type: 'activation', name: 'relu', function: 'relu' },
      { type: 'global-average-pool', name: 'pool' },
      { type: 'dense', name: 'logit', units: 1 },
    ],
  },
  training: {
    loss: 'binary-cross-entropy',
    optimizer: { type: 'sgd', learningRate: 0.1 },
    batchSize: 8,
    localSteps: 4,
  },
  rounds: { count: 3, minSites: 1, deadlineSeconds: 60 },
  aggregation: { method: 'fedavg', normBound: 100 },
  privacy: { mode: 'plain' },
  seed: 7,
} as const;

export const SITE = 'site-a' as SiteName;
export const RUN: RunId = runId('run-0000000001');
export const OTHER_RUN: RunId = runId('run-0000000002');
export const NO_DIGEST: Digest = digest('0'.repeat(64));

export const planOf = (changes: object = {}): Plan => parsePlan({ ...planDocument, ...changes });

export const planOffer = (plan: Plan = planOf(), run: RunId = RUN): PlanOffer => ({
  kind: 'plan',
  run,
  planDigest: planDigest(plan),
  planJson: utf8(planCanonicalJson(plan)),
});

export const modelOf = (plan: Plan): Weights => initialise(plan.model, plan.seed);

export const roundOffer = (plan: Plan = planOf(), changes: Partial<RoundOffer> = {}): RoundOffer => ({
  kind: 'round',
  run: RUN,
  round: 1,
  attempt: 1,
  planDigest: planDigest(plan),
  modelDigest: modelDigestOf(modelOf(plan)),
  modelBytes: encodeSafetensors(modelOf(plan)).byteLength,
  evaluate: true,
  deadlineMs: 60_000,
  ...changes,
});

export const evaluationOffer = (plan: Plan = planOf()): EvaluationOffer => {
  const { run, planDigest: digestOfPlan, modelDigest, modelBytes } = roundOffer(plan);
  return { kind: 'evaluation', run, planDigest: digestOfPlan, modelDigest, modelBytes };
};

export const DATASET = {
  format: 'dicom',
  digest: digest('d'.repeat(64)),
  train: { examples: 16, patients: 16, positives: 8 },
  test: { examples: 12, patients: 12, positives: 6 },
} as const;

/** What the journal says of a run that this site approved. */
export function approvedRecords(plan: Plan = planOf(), run: RunId = RUN): JournalRecord[] {
  const digestOfPlan = planDigest(plan);
  return [
    { type: 'plan.offered', run, planDigest: digestOfPlan, plan: JSON.parse(planCanonicalJson(plan)) },
    { type: 'dataset.loaded', run, ...DATASET },
    { type: 'plan.approved', run, planDigest: digestOfPlan, by: 'operator' },
  ];
}

/** Records as entries, where their place in the chain does not matter. */
export const entriesOf = (records: readonly JournalRecord[]): Entry[] =>
  records.map((record, i) => ({ ...record, seq: i + 1, prev: NO_DIGEST, at: 0 }));

/** The same weights, each number changed by the function. */
export const changed = ({ manifest, values }: Weights, change: (value: number, at: number) => number): Weights =>
  weightsOf(manifest, values.map(change));
