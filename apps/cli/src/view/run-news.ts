import type { RoundPass, Run } from '../api/shapes.js';
import { hasEnded } from '../run/states.js';
import { count, duration, measure } from '../text/numbers.js';

/** What happened between two states of a run, one line each, in the order in which it mattered. */
export function runNews(before: Run | undefined, after: Run): string[] {
  return [...decisions(before, after), ...passes(before, after), ...absences(before, after), ...phase(before, after)];
}

function decisions(before: Run | undefined, after: Run): string[] {
  return after.sites
    .filter((site) => site.decision !== 'pending' && siteIn(before, site.name)?.decision !== site.decision)
    .map((site) => `${site.name} ${site.decision} the plan`);
}

/** Rounds that ended since; a watcher who comes late is told of the last one only. */
function passes(before: Run | undefined, after: Run): string[] {
  const ended = after.history.filter((pass) => pass.endedMs !== null);
  const told = new Set(before?.history.filter((pass) => pass.endedMs !== null).map(passKey));
  const fresh = before ? ended.filter((pass) => !told.has(passKey(pass))) : ended.slice(-1);
  return fresh.map((pass) => passLine(pass, after.rounds));
}

const passKey = (pass: RoundPass): string => `${pass.round}/${pass.attempt}`;

/** One ended round: `round 3 of 20: 4 sites, loss 0.512, AUC before it 0.812, 3.4 s`. */
export function passLine(pass: RoundPass, rounds: number): string {
  const name = `round ${pass.round} of ${rounds}${pass.attempt > 1 ? `, attempt ${pass.attempt}` : ''}`;
  if (pass.outcome !== 'published') return `${name}: ${pass.outcome}${pass.reason ? `, ${pass.reason}` : ''}`;
  const told = [
    count(pass.contributors.length, 'site'),
    ...(pass.loss === null ? [] : [`loss ${measure(pass.loss)}`]),
    ...(pass.auc === null ? [] : [`AUC before it ${measure(pass.auc)}`]),
    duration(pass.endedMs! - pass.startedMs),
  ];
  return `${name}: ${told.join(', ')}`;
}

function absences(before: Run | undefined, after: Run): string[] {
  if (!before || hasEnded(after.state)) return [];
  return after.sites.flatMap((site) => {
    const was = siteIn(before, site.name);
    return [
      ...(was?.connected && !site.connected ? [`${site.name} is away`] : []),
      ...(was && !was.connected && site.connected ? [`${site.name} is back`] : []),
      ...(site.dropped !== null && was?.dropped !== site.dropped
        ? [`${site.name} was dropped from round ${after.round}: ${site.dropped}`]
        : []),
    ];
  });
}

function phase(before: Run | undefined, after: Run): string[] {
  if (before?.state === after.state) return [];
  switch (after.state) {
    case 'approval':
      return [`${after.id}: the sites decide about the plan`];
    case 'training':
      return [`${after.id}: trains, round ${after.round} of ${after.rounds}`];
    case 'paused':
      return [`${after.id}: paused in round ${after.round} of ${after.rounds}`];
    case 'evaluation':
      return [`${after.id}: the sites measure the final model`];
    case 'finished':
      return [`${after.id}: finished, model ${after.modelDigest}`];
    case 'failed':
      return [`${after.id}: failed${after.code ? ` with ${after.code}` : ''}`];
    case 'cancelled':
      return [`${after.id}: cancelled`];
  }
}

const siteIn = (run: Run | undefined, name: string): Run['sites'][number] | undefined =>
  run?.sites.find((site) => site.name === name);
