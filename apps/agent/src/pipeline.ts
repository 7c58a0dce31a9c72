import { manifestOf } from '@consilium/model';
import { Fault, type SiteName } from '@consilium/stdx';
import { l2Norm, subtract, type Weights } from '@consilium/weights';
import type { Metrics } from '@consilium/training';
import type { Guard } from './guard.js';
import type { ModelSource } from './models.js';
import type { EvaluationOffer, RoundOffer } from './offers.js';
import type { SharedMetrics } from './outgoing.js';
import { imageSpecOf, type DataSource, type Progress, type Trainer } from './ports.js';
import { protect } from './privacy.js';
import type { ApprovedRun, Runs } from './runs.js';

/** What one round needs of this hospital. */
export interface Hospital {
  readonly site: SiteName;
  /** Study → folder of images, from the site's settings. */
  readonly datasets: Readonly<Record<string, string>>;
  /** What was approved, and the journal. */
  readonly runs: Runs;
  /** Downloads models. */
  readonly models: ModelSource;
  /** A process without a network; the only one that opens an image. */
  readonly trainer: Trainer;
  /** The only way out. */
  readonly guard: Guard;
}

/**
 * One round at this hospital, from its patients' images to the bytes that leave it:
 *
 *   approval → model → dataset → train → privacy → journal → send
 *
 * Nothing happens unless the site approved exactly this plan for exactly this run. The images are opened by a child
 * process without a network and stay there: what comes back is weights and numbers. What leaves is the difference
 * between the weights after and before, checked against the plan and written in the journal first.
 */
export async function contribute(
  offer: RoundOffer,
  hospital: Hospital,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { runs, models, trainer, guard, site } = hospital;
  const { run, round, attempt, planDigest, modelDigest } = offer;

  // Approval: this run, this plan, this round of it.
  const approved = runs.approved(run, planDigest);
  const { plan, dataset } = approved;
  if (round > plan.rounds.count) throw new Fault('ROUND_TRANSITION_REFUSED', { round, rounds: plan.rounds.count });

  // Model: the consortium's weights of this round, with the announced SHA-256 and exactly the plan's tensors.
  const model = await models.fetch(offer, manifestOf(plan.model), signal);

  // Dataset: this study's folder, still holding what the approval was given for; the child opens it.
  const patients = { data: dataOf(approved, hospital), dataDigest: dataset.digest, plan };

  // How good the consortium's model is on patients of ours that nobody trains on, where the plan asks this round.
  const metrics = offer.evaluate ? sharedOf(await trainer.evaluate({ ...patients, weights: model }, signal)) : null;

  // Train: the plan's number of steps on our images.
  await runs.write({ type: 'training.started', run, round, attempt, modelDigest });
  const trained = await trainer.train({ ...patients, round, label: site, weights: model }, signal, onProgress);
  const update = subtract(trained.weights, model);
  await runs.write({
    type: 'training.finished',
    run,
    round,
    attempt,
    steps: trained.steps,
    loss: trained.loss,
    norm: l2Norm(update),
  });

  // Privacy: what the plan does to the update before anybody else sees it. In `plain` mode: nothing.
  const shared = protect(update, plan.privacy);

  // Journal, then send: the guard checks the update, writes its digest to the disk and lets it go.
  const { examples, loss } = trained;
  await guard.upload(
    { kind: 'update-header', run, round, attempt, planDigest, modelDigest, examples, loss, metrics },
    shared,
    signal,
  );
}

/** Measures the run's final model on this hospital's test patients; counts and metrics leave, nothing else. */
export async function evaluateModel(offer: EvaluationOffer, hospital: Hospital, signal: AbortSignal): Promise<void> {
  const { runs, models, trainer, guard } = hospital;
  const approved = runs.approved(offer.run, offer.planDigest);
  const { plan, dataset } = approved;
  const weights: Weights = await models.fetch(offer, manifestOf(plan.model), signal);
  const measured = await trainer.evaluate(
    { data: dataOf(approved, hospital), dataDigest: dataset.digest, plan, weights },
    signal,
  );
  const { examples } = measured;
  await guard.send({
    kind: 'evaluation',
    run: offer.run,
    modelDigest: offer.modelDigest,
    examples,
    metrics: sharedOf(measured),
    code: null,
  });
}

/** Only the metrics that may leave, field by field. */
function sharedOf({ loss, auc, accuracy, sensitivity, specificity, brier }: Metrics): SharedMetrics {
  return { loss, auc, accuracy, sensitivity, specificity, brier };
}

function dataOf({ plan }: ApprovedRun, { datasets }: Hospital): DataSource {
  const folder = Object.hasOwn(datasets, plan.study) ? datasets[plan.study] : undefined;
  if (folder === undefined) throw new Fault('DATA_NOT_CONFIGURED');
  return { folders: [folder], spec: imageSpecOf(plan) };
}
