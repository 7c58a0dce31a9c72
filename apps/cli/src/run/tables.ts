import type { Run, RunListed } from '../api/shapes.js';
import type { Terminal } from '../terminal.js';
import type { Paint } from '../text/colour.js';
import { bytes, measure, NOTHING, utc } from '../text/numbers.js';
import { table } from '../text/table.js';
import { passLine } from '../view/run-news.js';
import type { RunState } from './states.js';

type Page = Pick<Terminal, 'columns' | 'paint'>;

const painted = (state: RunState, paint: Paint): string => {
  if (state === 'finished') return paint.green(state);
  return state === 'failed' || state === 'cancelled' ? paint.red(state) : paint.yellow(state);
};

/** Runs, newest first. */
export function runTable(runs: readonly RunListed[], { columns, paint }: Page): string[] {
  if (runs.length === 0) return ['There is no run yet; consilium run start PLANFILE starts one.'];
  return table(
    [
      { title: 'run' },
      { title: 'study', shrinks: true },
      { title: 'state' },
      { title: 'round', align: 'right' },
      { title: 'started' },
    ],
    [...runs]
      .sort((a, b) => b.createdMs - a.createdMs)
      .map((run) => [run.id, run.study, painted(run.state, paint), `${run.round}/${run.rounds}`, utc(run.createdMs)]),
    columns(),
    paint,
  );
}

/** One run in full: where it stands, its sites, its latest rounds. */
export function runLines(run: Run, { columns, paint }: Page): string[] {
  const ended = run.history.filter((pass) => pass.endedMs !== null);
  return [
    `${paint.bold(run.id)}  ${painted(run.state, paint)}${run.code ? ` with ${run.code}` : ''}  round ${run.round} of ${run.rounds}`,
    `study ${run.study}, plan ${run.planDigest}`,
    `model ${run.modelDigest ?? NOTHING}`,
    '',
    ...table(
      [
        { title: 'site', shrinks: true },
        { title: 'decision' },
        { title: 'examples', align: 'right' },
        { title: 'loss', align: 'right' },
        { title: 'AUC', align: 'right' },
        { title: 'sent', align: 'right' },
        { title: 'received', align: 'right' },
      ],
      run.sites.map((site) => [
        site.name,
        site.connected ? site.decision : `${site.decision}, away`,
        site.examples === null ? NOTHING : String(site.examples),
        measure(site.loss),
        measure(site.metrics?.auc?.value),
        bytes(site.bytesUp),
        bytes(site.bytesDown),
      ]),
      columns(),
      paint,
    ),
    ...(ended.length === 0 ? [] : ['', ...ended.slice(-10).map((pass) => passLine(pass, run.rounds))]),
  ];
}
