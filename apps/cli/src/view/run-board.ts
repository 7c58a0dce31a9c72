import type { Run, RunSite } from '../api/shapes.js';
import { hasEnded } from '../run/states.js';
import { bar } from '../text/bar.js';
import type { Paint } from '../text/colour.js';
import { bytes, count, countdown, measure, NOTHING, percent } from '../text/numbers.js';
import { grid } from '../text/table.js';
import { fit, padStart, widthOf } from '../text/width.js';
import { shareDone, timeLeft } from './time-left.js';

export interface BoardOptions {
  readonly width: number;
  /** How many sites to show at most; the others are counted. */
  readonly sitesMax: number;
  readonly nowMs: number;
  readonly paint: Paint;
}

/** The picture of a run: where it stands, how well its model does, and for each site what it does, its loss and its bytes. */
export function runBoard(run: Run, options: BoardOptions): string[] {
  const { width, paint, sitesMax } = options;
  const shown = run.sites.slice(0, sitesMax);
  const hidden = run.sites.length - shown.length;
  // Sites measure the final model only; before that the column would be empty.
  const measured = run.sites.some((site) => site.metrics);
  const cell = stateColumns(width);
  const rows = shown.map((site) => [
    site.name,
    stateOf(run, site, cell, paint),
    measure(site.loss),
    ...(measured ? [measure(site.metrics?.auc?.value)] : []),
    bytes(site.bytesUp),
    bytes(site.bytesDown),
  ]);
  const right = 'right' as const;
  const columns = [
    { title: 'site', shrinks: true },
    { title: '' },
    { title: 'loss', align: right },
    ...(measured ? [{ title: 'AUC', align: right }] : []),
    { title: 'sent', align: right },
    { title: 'received', align: right },
  ];
  return [
    headline(run, options),
    ...standing(run, width, paint),
    ...grid(columns, rows, width, paint),
    ...(hidden > 0 ? [paint.dim(`and ${count(hidden, 'more site')}`)] : []),
  ];
}

/** Loss of the last published round, and AUC of the last measured model, which is the one before its round: means over the sites. */
function standing(run: Run, width: number, paint: Paint): string[] {
  if (hasEnded(run.state)) return [];
  const published = run.history.filter((pass) => pass.outcome === 'published');
  const trained = published.findLast((pass) => pass.loss !== null);
  const measured = published.findLast((pass) => pass.auc !== null);
  const told = [
    ...(trained ? [`loss ${measure(trained.loss)} in round ${trained.round}`] : []),
    ...(measured
      ? [
          `AUC ${paint.bold(measure(measured.auc))} ${measured.round === 1 ? 'before it' : `after round ${measured.round - 1}`}`,
        ]
      : []),
  ];
  return told.length === 0 ? [] : [fit(told.join(', '), width)];
}

/** The middle column takes what the others leave, within reason. */
const stateColumns = (width: number): number => Math.max(12, Math.min(40, width - 46));

function headline(run: Run, { width, nowMs, paint }: BoardOptions): string {
  const attempt = run.attempt > 1 ? `, attempt ${run.attempt}` : '';
  const where: Record<Run['state'], string> = {
    approval: 'the sites decide about the plan',
    training: `round ${run.round} of ${run.rounds}${attempt}`,
    paused: paint.yellow(`paused in round ${run.round} of ${run.rounds}`),
    evaluation: 'the sites measure the final model',
    finished: paint.green('finished'),
    failed: paint.red('failed'),
    cancelled: paint.red('cancelled'),
  };
  const left = timeLeft(run, nowMs);
  const share = shareDone(run);
  const end = hasEnded(run.state)
    ? ''
    : left === undefined
      ? percent(share)
      : `${percent(share)}  ${countdown(left)} left`;
  const start = where[run.state];
  if (run.state === 'approval') return fit(start, width);
  const room = width - widthOf(start) - 2 - Math.max(16, widthOf(end) + 2);
  if (room < 8) return fit(`${start}  ${end}`, width);
  return `${start}  ${bar(share, Math.min(40, room), paint)}  ${end}`.trimEnd();
}

/** What a site does, as a bar while it trains and as a word otherwise; exactly `columns` wide. */
function stateOf(run: Run, site: RunSite, columns: number, paint: Paint): string {
  const word = wordOf(run, site);
  if (word !== undefined) {
    const painted = site.dropped !== null || !site.connected || site.decision === 'rejected' ? paint.yellow : paint.dim;
    return painted(fit(word, columns)) + ' '.repeat(Math.max(0, columns - widthOf(word)));
  }
  const steps = padStart(`${site.step}/${site.steps}`, 7);
  return `${bar(site.step / site.steps, columns - widthOf(steps) - 1, paint)} ${steps}`;
}

function wordOf(run: Run, site: RunSite): string | undefined {
  if (site.decision === 'rejected') return 'rejected the plan';
  if (!site.connected) return 'away';
  if (run.state === 'approval') return site.decision === 'approved' ? 'approved' : 'decides';
  if (site.dropped !== null) return `dropped: ${site.dropped}`;
  if (run.state === 'paused') return 'paused';
  if (run.state === 'evaluation') return site.metrics ? 'measured' : 'measures';
  if (hasEnded(run.state)) return run.state === 'finished' ? 'done' : NOTHING;
  if (site.steps === 0) return 'waits';
  return undefined;
}
