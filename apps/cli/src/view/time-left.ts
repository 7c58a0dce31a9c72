import type { Run } from '../api/shapes.js';

/** How many of the last rounds the estimate looks at: enough to be steady, few enough to follow a change. */
const LOOKS_BACK = 5;

/**
 * About how long the run's remaining rounds take, in milliseconds: the mean of the last published rounds, less what the
 * current one has already used. `undefined` before the first round is published and when the run does not train.
 */
export function timeLeft(run: Run, nowMs: number): number | undefined {
  if (run.state !== 'training') return undefined;
  const published = run.history
    .filter((pass) => pass.outcome === 'published' && pass.endedMs !== null)
    .slice(-LOOKS_BACK);
  const last = published.at(-1);
  if (!last) return undefined;
  const mean = published.reduce((sum, pass) => sum + (pass.endedMs! - pass.startedMs), 0) / published.length;
  const roundsLeft = run.rounds - last.round;
  const used = Math.min(mean, Math.max(0, nowMs - last.endedMs!));
  return Math.max(0, mean * roundsLeft - used);
}

/** The share of the run that is done, in [0, 1], counting the mean progress of the sites in the current round. */
export function shareDone(run: Run): number {
  if (run.state === 'evaluation' || run.state === 'finished') return 1;
  if (run.rounds === 0) return 0;
  const published = run.history.filter((pass) => pass.outcome === 'published').length;
  const within = run.sites.filter((site) => site.steps > 0).map((site) => Math.min(1, site.step / site.steps));
  const current = within.length ? within.reduce((sum, each) => sum + each, 0) / within.length : 0;
  return Math.min(
    1,
    (published + (published < run.rounds && run.state === 'training' ? current * 0.99 : 0)) / run.rounds,
  );
}
