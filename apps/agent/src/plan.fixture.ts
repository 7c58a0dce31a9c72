import { addSignature, signEnvelope, type Approval, type SigningKey } from '@consilium/identity';
import { initialise } from '@consilium/model';
import { completePlan, planCanonicalJson, planDigest, type SignedPlan } from '@consilium/round';
import { digest, runId, utf8, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { encodeSafetensors, weightsOf, type Weights } from '@consilium/weights';
import { modelDigestOf } from './baseline.js';
import { HubLog } from './hub-log.fixture.js';
import { ACCEPTED, ADMIN, keyOf, PROPOSER, ROSTER_DOCUMENT } from './keys.fixture.js';
import type { EvaluationOffer, PlanOffer, RoundOffer } from './offers.js';
import type { AcceptedRoster } from './rosters.js';

/** A small plan of the phantom study; what a test cares about it says itself. */
export const planDocument = {
  schema: 'consilium.plan/1',
  study: 'lung-nodule',
  title: 'Nodules',
  purpose: 'Tells nodules from vessels.',
  federation: 'testfed',
  sites: ['site-a', 'site-b', 'site-c', 'site-d'],
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

export const GOVERNANCE = {
  legalBasis: 'gdpr-6-1-e-9-2-j',
  ethics: { number: 'EK 12/2026', authority: 'Ethics board', expires: '2099-12-31' },
  jurisdictions: ['DE'],
  dataContract: { modality: 'CT', minPatients: 10, deidentified: true },
} as const;

export const SITE = 'site-a' as SiteName;
/** The site's own signing key. */
export const KEY = keyOf(SITE);
export const RUN: RunId = runId('run-0000000001');
export const OTHER_RUN: RunId = runId('run-0000000002');
export const NO_DIGEST: Digest = digest('0'.repeat(64));

/** The plan as the coordinator completes it: with its governance and the keys of the roster. */
export const planOf = (changes: object = {}, governance: object = {}, roster: AcceptedRoster = ACCEPTED): SignedPlan =>
  completePlan({ ...planDocument, ...changes }, { governance: { ...GOVERNANCE, ...governance } as never, roster });

export const signedPlan = (
  plan: SignedPlan,
  [first, ...others]: readonly SigningKey[] = [PROPOSER, ADMIN],
): Uint8Array =>
  others.reduce(
    (document, key) => addSignature(document, 'plan', key),
    signEnvelope('plan', JSON.parse(planCanonicalJson(plan)), [first!]),
  );

export const planOffer = (
  plan: SignedPlan = planOf(),
  run: RunId = RUN,
  changes: Partial<PlanOffer> = {},
): PlanOffer => ({
  kind: 'plan',
  run,
  planDigest: planDigest(plan),
  planJson: utf8(planCanonicalJson(plan)),
  planEnvelope: signedPlan(plan),
  roster: ROSTER_DOCUMENT,
  ...changes,
});

export const modelOf = (plan: SignedPlan): Weights => initialise(plan.model, plan.seed);

const unproven = { entry: new Uint8Array(), index: 0, note: new Uint8Array(), inclusion: [] };

/** An offer with evidence from a log of its own, or from the one that is given. */
export const roundOffer = (
  plan: SignedPlan = planOf(),
  changes: Partial<RoundOffer> = {},
  hub: HubLog = new HubLog(),
): RoundOffer => {
  const offer: RoundOffer = {
    kind: 'round',
    run: RUN,
    round: 1,
    attempt: 1,
    planDigest: planDigest(plan),
    modelDigest: modelDigestOf(modelOf(plan)),
    modelBytes: encodeSafetensors(modelOf(plan)).byteLength,
    evaluate: true,
    deadlineMs: 60_000,
    evidence: unproven,
    ...changes,
  };
  return changes.evidence ? offer : hub.offered(offer);
};

export const evaluationOffer = (plan: SignedPlan = planOf(), hub: HubLog = new HubLog()): EvaluationOffer => {
  const { run, planDigest: digestOfPlan, modelDigest, modelBytes } = roundOffer(plan, { evidence: unproven });
  return hub.offered({
    kind: 'evaluation',
    run,
    planDigest: digestOfPlan,
    modelDigest,
    modelBytes,
    evidence: unproven,
  });
};

export const DATASET = {
  format: 'dicom',
  digest: digest('d'.repeat(64)),
  train: { examples: 16, patients: 16, positives: 8 },
  test: { examples: 12, patients: 12, positives: 6 },
} as const;

/** The approval that the site gives by itself. */
export const approvalOf = (
  plan: SignedPlan = planOf(),
  run: RunId = RUN,
  changes: Partial<Approval> = {},
): Approval => ({
  schema: 'consilium.approval/1',
  federation: plan.federation as Approval['federation'],
  study: plan.study,
  plan: planDigest(plan),
  run,
  envelope: null,
  site: SITE,
  dataset: DATASET.digest,
  by: 'auto',
  expiresMs: Date.parse('2100-01-01'),
  atMs: 1,
  ...changes,
});

/** The same weights, each number changed by the function. */
export const changed = ({ manifest, values }: Weights, change: (value: number, at: number) => number): Weights =>
  weightsOf(manifest, values.map(change));
