import { manifestOf } from '@consilium/model';
import type { SigningKey } from '@consilium/identity';
import { digestOf, Fault, type SiteName } from '@consilium/stdx';
import { subtract, type Weights } from '@consilium/weights';
import type { Metrics } from '@consilium/training';
import { requireWitnessedOffer } from './evidence.js';
import { METRICS_PATIENTS_MIN, type Guard } from './guard.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import type { ModelSource } from './models.js';
import type { Assignment, EvaluationOffer, RoundOffer } from './offers.js';
import type { Outbox } from './outbox.js';
import type { SharedMetrics } from './outgoing.js';
import type { Permit, Permits } from './permits.js';
import { imageSpecOf, type DataSource, type Progress, type Trainer } from './ports.js';
import { protect } from './privacy.js';
import { sha256Of } from './sha256.js';
import { rounded } from './significant.js';
import { signUpdate, type Contribution, type SeenCheckpoint } from './statement.js';

/** What one round needs of this hospital. */
export interface Hospital {
  readonly site: SiteName;
  /** Study → folder of images, from the site's settings. */
  readonly datasets: Readonly<Record<string, string>>;
  /** What was approved, and still may be done. */
  readonly permits: Permits;
  /** The log: everything that this site remembers. */
  readonly ledger: SiteLedger;
  /** Downloads models. */
  readonly models: ModelSource;
  /** A process without a network; the only one that opens an image. */
  readonly trainer: Trainer;
  /** Signed updates, until their round is over. */
  readonly outbox: Pick<Outbox, 'keep' | 'recall'>;
  /** The site's own key. */
  readonly key: SigningKey;
  /** The only way out. */
  readonly guard: Guard;
}

/**
 * One round at this hospital, from its patients' images to the bytes that leave it:
 *
 *   approval → evidence → model → dataset → train → privacy → outbox → sign → log → send
 *
 * Nothing happens unless the site approved exactly this plan for exactly this run, and unless a quorum of sites has
 * seen this very offer in the coordinator's log. The images are opened by a child process without a network and stay
 * there: what comes back is weights and numbers. What leaves is the difference between the weights after and before,
 * checked against the plan, signed by this site, and written in its log first. A round gets one value of this site,
 * however often it is asked for.
 */
export async function contribute(
  offer: RoundOffer,
  hospital: Hospital,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { permits, ledger, outbox, key, guard, site } = hospital;
  const { run, round, attempt, planDigest, modelDigest } = offer;

  // Approval: this run, this plan, this round of it, still in force today.
  const permit = await permits.require(run, planDigest);
  const { count } = permit.plan.rounds;
  if (round > count) throw new Fault('ROUND_TRANSITION_REFUSED', { round, rounds: count });

  // Evidence: the offer stands in the witnessed log, and this round has asked for no other model before.
  const checkpoint = await acceptOffer(offer, permit, hospital);

  // One value: what this site has signed for the round already, or else what it learns now, kept before it is signed.
  const signed = ledger.rounds.signed(run, round);
  const contribution = signed
    ? await outbox.recall(signed.sha256)
    : await learn(offer, permit, hospital, signal, onProgress);

  // Sign: this update, for this attempt of this round of this run and for nothing else.
  const statement =
    signed?.attempt === attempt
      ? await ledger.documents.get(signed.statement)
      : signUpdate(contribution, offer, { permit, site, checkpoint, key });
  if (signed?.attempt !== attempt) {
    await ledger.documents.put(statement);
    // Nothing is signed after the word that stops it, not even in the moment between the two.
    ledger.runs.approved(run, planDigest);
    await ledger.write({
      type: 'update.signed',
      run,
      round,
      attempt,
      model: modelDigest,
      sha256: contribution.sha256,
      bytes: contribution.bytes.byteLength,
      statement: digestOf(statement),
    });
  }

  // Log, then send: the guard measures what is about to leave, writes its digest to the disk and lets it go.
  const { bytes, examples, loss, metrics } = contribution;
  const header = { kind: 'update-header', run, round, attempt, planDigest, modelDigest } as const;
  await guard.upload({ ...header, examples, loss, metrics, statement }, bytes, signal);
}

/** What this hospital's patients teach the model of this round. */
async function learn(
  offer: RoundOffer,
  permit: Permit,
  hospital: Hospital,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<Contribution> {
  const { ledger, models, trainer, outbox, guard, site } = hospital;
  const { run, round, attempt, modelDigest } = offer;
  const { plan } = permit;

  // Model: the consortium's weights of this round, with the announced SHA-256 and exactly the plan's tensors.
  const model = await models.fetch(offer, manifestOf(plan.model), signal);

  // Dataset: this study's folder, still holding what the approval was given for; the child opens it.
  const patients = patientsOf(permit, hospital);

  // How good the consortium's model is on patients of ours that nobody trains on, where the plan asks this round.
  const mayMeasure = offer.evaluate && permit.dataset.test.patients >= METRICS_PATIENTS_MIN;
  const metrics = mayMeasure ? sharedOf(await trainer.evaluate({ ...patients, weights: model }, signal)) : null;

  // Train: the plan's number of steps on our images.
  await ledger.write({ type: 'training.started', run, round, attempt, model: modelDigest });
  const trained = await trainer.train({ ...patients, round, label: site, weights: model }, signal, onProgress);
  await ledger.write({ type: 'training.finished', run, round, attempt, steps: trained.steps });

  // Privacy: what the plan does to the update before anybody else sees it. In `plain` mode: nothing.
  const update = protect(subtract(trained.weights, model), plan.privacy);

  // Outbox: the bytes that may leave, on disk before anything is said about them.
  const bytes = await guard.admit(update, permit);
  const { examples } = trained;
  const contribution = { bytes, sha256: sha256Of(bytes), examples, loss: rounded(trained.loss), metrics };
  await outbox.keep(contribution);
  return contribution;
}

/** Measures the run's final model on this hospital's test patients; counts and metrics leave, nothing else. */
export async function evaluateModel(offer: EvaluationOffer, hospital: Hospital, signal: AbortSignal): Promise<void> {
  const { permits, models, trainer, guard } = hospital;
  const { run, planDigest, modelDigest } = offer;
  const permit = await permits.require(run, planDigest);
  await acceptOffer(offer, permit, hospital);
  if (permit.dataset.test.patients < METRICS_PATIENTS_MIN) throw new Fault('METRICS_TOO_FEW');
  const weights: Weights = await models.fetch(offer, manifestOf(permit.plan.model), signal);
  const measured = await trainer.evaluate({ ...patientsOf(permit, hospital), weights }, signal);
  const { examples } = measured;
  await guard.send({ kind: 'evaluation', run, modelDigest, examples, metrics: sharedOf(measured), code: null });
}

/** The offer stands in the log that all sites see, and asks for the model that this site answers for. */
async function acceptOffer(offer: Assignment, { plan }: Permit, { ledger, site }: Hospital): Promise<SeenCheckpoint> {
  const { run, modelDigest: model } = offer;
  const pass = offer.kind === 'round' ? { round: offer.round, attempt: offer.attempt } : {};
  const { size, root } = requireWitnessedOffer(offer, { site, plan, watched: ledger.watched });
  ledger.rounds.requireOpen(run, offer.kind === 'round' ? offer.round : null, model);
  await ledger.write({ type: 'evidence.accepted', run, ...pass, model, size, root });
  return { size, root };
}

/** Only the metrics that may leave, field by field, with three significant digits. */
function sharedOf({ loss, auc, accuracy, sensitivity, specificity, brier }: Metrics): SharedMetrics {
  const share = (metric: Metrics['auc']): SharedMetrics['auc'] =>
    metric && { value: rounded(metric.value), low: rounded(metric.low), high: rounded(metric.high) };
  return {
    loss: share(loss),
    auc: share(auc),
    accuracy: share(accuracy),
    sensitivity: share(sensitivity),
    specificity: share(specificity),
    brier: share(brier),
  };
}

function patientsOf({ plan, dataset }: Permit, { datasets }: Hospital): PatientsOf {
  const folder = Object.hasOwn(datasets, plan.study) ? datasets[plan.study] : undefined;
  if (folder === undefined) throw new Fault('DATA_NOT_CONFIGURED');
  return { data: { folders: [folder], spec: imageSpecOf(plan) }, dataDigest: dataset.digest, plan };
}

interface PatientsOf {
  readonly data: DataSource;
  /** Other data than the approval was given for are refused. */
  readonly dataDigest: Permit['dataset']['digest'];
  readonly plan: Permit['plan'];
}
