import type { Metrics, Run, RunSite, RoundPass } from '../api/shapes.js';

/** Runs as the coordinator tells of them, with everything filled in that a test does not care about. */
export const PLAN_DIGEST = 'a'.repeat(64);
export const MODEL_DIGEST = '3f9a'.repeat(16);

export const metricsOf = (auc: number | null, examples = 250): Metrics => {
  const about = (value: number) => ({ value, low: value - 0.05, high: value + 0.05 });
  return {
    loss: about(0.5),
    auc: auc === null ? null : about(auc),
    accuracy: about(0.8),
    sensitivity: about(0.7),
    specificity: about(0.9),
    brier: about(0.15),
    examples,
  };
};

export const siteOf = (name: string, site: Partial<RunSite> = {}): RunSite => ({
  name,
  connected: true,
  decision: 'approved',
  step: 0,
  steps: 0,
  loss: null,
  examples: null,
  bytesUp: 0,
  bytesDown: 0,
  dropped: null,
  metrics: null,
  ...site,
});

export const passOf = (round: number, pass: Partial<RoundPass> = {}): RoundPass => ({
  round,
  attempt: 1,
  outcome: 'published',
  contributors: ['hospital-a', 'hospital-b'],
  loss: 0.5,
  auc: 0.8,
  modelDigest: MODEL_DIGEST,
  startedMs: 1_000 * round,
  endedMs: 1_000 * round + 900,
  ...pass,
});

export const runOf = (run: Partial<Run> = {}): Run => ({
  id: 'run-0a1b2c3d4e',
  study: 'lung-nodule',
  planDigest: PLAN_DIGEST,
  state: 'training',
  code: null,
  createdMs: 0,
  endedMs: null,
  round: 1,
  rounds: 20,
  attempt: 1,
  sites: [siteOf('hospital-a'), siteOf('hospital-b')],
  history: [],
  modelDigest: null,
  ...run,
});

/** A run in the middle of round 7, each site in another situation. */
export const busyRun = (): Run =>
  runOf({
    round: 7,
    history: [1, 2, 3, 4, 5, 6].map((round) => passOf(round)),
    sites: [
      siteOf('hospital-a', {
        step: 18,
        steps: 30,
        loss: 0.512,
        examples: 600,
        bytesUp: 1_250_000,
        bytesDown: 1_300_000,
      }),
      siteOf('hospital-b', { step: 30, steps: 30, loss: 0.4, bytesUp: 117_000, bytesDown: 900 }),
      siteOf('hospital-c', { connected: false, bytesUp: 0 }),
      siteOf('hospital-d', { dropped: 'deadline-passed' }),
    ],
  });
