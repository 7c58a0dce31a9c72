import type { Digest, SiteName } from '@consilium/stdx';
import type { Manifest } from '@consilium/weights';
import { hasMetrics, meanMetrics } from '../metrics.js';
import type {
  EvaluationRecord,
  ModelVersionRecord,
  RoundOrigin,
  RoundRecord,
  RunRecord,
  SiteMetrics,
  UpdateRecord,
} from '../records.js';

/** What the registry keeps beside the bytes of a finished run's model; the last round's, never one chosen on test data. */
export function versionOf(
  run: RunRecord,
  history: {
    readonly digest: Digest;
    readonly manifest: Manifest;
    readonly rounds: readonly RoundRecord[];
    readonly updates: readonly UpdateRecord[];
    readonly evaluations: readonly EvaluationRecord[];
    readonly nowMs: number;
  },
): ModelVersionRecord {
  const rounds = history.rounds.flatMap((round) => originOf(round, history.updates));
  return {
    run: run.id,
    digest: history.digest,
    planDigest: run.planDigest,
    round: rounds.at(-1)?.round ?? 0,
    manifest: history.manifest,
    metrics: metricsOf(history.evaluations),
    rounds,
    createdMs: history.nowMs,
  };
}

function originOf(record: RoundRecord, updates: readonly UpdateRecord[]): readonly RoundOrigin[] {
  const { number, attempt, baseDigest, state } = record;
  if (state.phase !== 'published') return [];
  const used = updates.filter(
    (update) => update.number === number && update.attempt === attempt && state.contributors.includes(update.site),
  );
  return [
    {
      round: number,
      attempt,
      baseDigest,
      modelDigest: state.modelDigest,
      updates: used.map(({ site, sha256, examples }) => ({ site, sha256, examples })),
    },
  ];
}

/** Each site's own measurement, then the mean. */
function metricsOf(evaluations: readonly EvaluationRecord[]): readonly SiteMetrics[] {
  const sites = evaluations.map(({ site, examples, metrics, code }): SiteMetrics => {
    return { site, examples, metrics: code === null ? metrics : null };
  });
  const measured = sites.flatMap(({ metrics }) => (metrics && hasMetrics(metrics) ? [metrics] : []));
  const examples = sites.reduce((sum, site) => sum + site.examples, 0);
  return [...sites, { site: null, examples, metrics: measured.length ? meanMetrics(measured) : null }];
}

/** A round's figures over its contributors: the loss by examples, the AUC of the base model each site the same. */
export function roundFigures(
  contributors: readonly SiteName[],
  updates: readonly UpdateRecord[],
): { loss: number | null; auc: number | null } {
  const used = updates.filter(({ site }) => contributors.includes(site));
  const told = used.filter((update): update is UpdateRecord & { loss: number } => update.loss !== null);
  const examples = told.reduce((sum, update) => sum + update.examples, 0);
  const loss = examples ? told.reduce((sum, update) => sum + update.loss * update.examples, 0) / examples : null;
  return { loss, auc: meanMetrics(used.map(({ metrics }) => metrics)).auc?.value ?? null };
}
