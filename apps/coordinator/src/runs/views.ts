import { METRIC_NAMES, type Metrics } from '../metrics.js';
import type { Plan, Run } from '@consilium/round';
import type { SiteName } from '@consilium/stdx';
import type { EvaluationRecord, RoundRecord, RunRecord } from '../records.js';
import { Board } from './board.js';
import type { RunPassView, RunSiteView, RunSummaryView, RunView } from './shapes.js';

/** A run and all that its picture is drawn from: of one under way from memory, of one that ended from the store. */
export interface RunFile {
  readonly run: RunRecord;
  readonly plan: Plan;
  readonly rounds: readonly RoundRecord[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly board?: Board;
}

/** The run as people see it. */
export function runView(file: RunFile, connected: ReadonlySet<SiteName>): RunView {
  const { run, plan, rounds } = file;
  const board = file.board ?? new Board(plan.sites, run.standings);
  const { state } = run;
  return {
    ...runSummary(run, plan, rounds.at(-1)),
    code: state.phase === 'failed' ? state.code : null,
    attempt: currentPass(state, rounds.at(-1)).attempt,
    sites: plan.sites.map((site) => siteView(site, file, board, connected.has(site))),
    history: rounds.flatMap(passView),
  };
}

/** The run as one line of a list. */
export function runSummary(run: RunRecord, plan: Plan, last: RoundRecord | undefined): RunSummaryView {
  const { state } = run;
  return {
    id: run.id,
    study: plan.study,
    planDigest: run.planDigest,
    state: state.phase,
    createdMs: run.createdMs,
    endedMs: run.endedMs,
    round: currentPass(state, last).number,
    rounds: plan.rounds.count,
    modelDigest: state.phase === 'finished' ? state.modelDigest : null,
  };
}

/** Where the run stands: 0 before training; once it has ended, where it came to. */
function currentPass(state: Run, last: RoundRecord | undefined): { number: number; attempt: number } {
  const active = state.phase === 'paused' ? state.resumes : state;
  if (active.phase === 'training') return { number: active.round, attempt: active.attempt };
  return { number: last?.number ?? 0, attempt: last?.attempt ?? 0 };
}

function siteView(
  site: SiteName,
  { plan, rounds, evaluations }: RunFile,
  board: Board,
  connected: boolean,
): RunSiteView {
  const { decision, bytesUp, bytesDown, examples } = board.standing(site);
  const progress = board.progress(site);
  const round = rounds.at(-1)?.state;
  const dropped = round && 'dropped' in round && Object.hasOwn(round.dropped, site) ? round.dropped[site]! : null;
  const evaluation = evaluations.find((other) => other.site === site && other.code === null);
  return {
    name: site,
    connected,
    decision,
    step: progress?.step ?? 0,
    steps: progress?.steps ?? plan.training.localSteps,
    loss: progress?.loss ?? null,
    examples,
    bytesUp,
    bytesDown,
    dropped,
    metrics: evaluation ? metricsView(evaluation.metrics, evaluation.examples) : null,
  };
}

export const metricsView = (metrics: Metrics, examples: number) => ({
  ...(Object.fromEntries(METRIC_NAMES.map((name) => [name, metrics[name]])) as Metrics),
  examples,
});

/** A round that is over, as history tells it. */
function passView(round: RoundRecord): RunPassView[] {
  const { state, number, attempt, loss, auc, modelDigest, startedMs, endedMs } = round;
  if (state.phase !== 'published' && state.phase !== 'abandoned') return [];
  return [
    {
      round: number,
      attempt,
      outcome: state.phase,
      reason: state.phase === 'abandoned' ? state.reason : null,
      contributors: state.phase === 'published' ? [...state.contributors] : [],
      loss,
      auc,
      modelDigest,
      startedMs,
      endedMs,
    },
  ];
}
