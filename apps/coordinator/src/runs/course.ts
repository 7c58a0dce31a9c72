import {
  isRoundOver,
  isRunOver,
  startRound,
  step,
  stepRun,
  type RoundEvent,
  type RoundRefusal,
  type RunEvent,
  type RunRefusal,
  type RunTerms,
} from '@consilium/round';
import type { SiteName } from '@consilium/stdx';
import type { RoundRecord, RunRecord } from '../records.js';

/**
 * The course of a run: its state machine and that of its current round, moved together. Pure, like the machines
 * themselves: `advance` answers the records after an event and what is to be done about them, and performs nothing. All
 * that one event causes, up to the next round's start, is one step, so that it is stored in one transaction.
 */
export interface Course {
  readonly run: RunRecord;
  /** The newest round; null until training starts. */
  readonly round: RoundRecord | null;
}

export type CourseEvent =
  { readonly of: 'run'; readonly event: RunEvent } | { readonly of: 'round'; readonly event: RoundEvent };

export type CourseEffect =
  | {
      readonly type:
        'offer-plan' | 'offer-round' | 'start-aggregation' | 'offer-evaluation' | 'publish-model' | 'announce-end';
    }
  /** Tell the participants, and drop the uploads. */
  | { readonly type: 'close-round'; readonly round: RoundRecord };

export interface Surroundings {
  readonly terms: RunTerms & { readonly deadlineMs: number };
  /** Sites with an open session: they join a new round at once. */
  readonly connected: ReadonlySet<SiteName>;
  readonly nowMs: number;
}

export interface Advance extends Course {
  /** Every round that changed, oldest first; `round` is the last of them if it changed. */
  readonly rounds: readonly RoundRecord[];
  readonly effects: readonly CourseEffect[];
}

export type Refused = { readonly refused: RunRefusal | RoundRefusal };

/** The course after the event, or why it has no place in this phase. */
export function advance(course: Course, event: CourseEvent, surroundings: Surroundings): Advance | Refused {
  const start: Advance = { ...course, rounds: [], effects: [] };
  return event.of === 'run' ? onRun(start, event.event, surroundings) : onRound(start, event.event, surroundings);
}

function onRun(from: Advance, event: RunEvent, surroundings: Surroundings): Advance | Refused {
  const { nowMs, terms } = surroundings;
  const stepped = stepRun(from.run.state, event, terms);
  if ('refused' in stepped) return stepped;
  const entered = stepped.run.phase !== from.run.state.phase;
  const deadlineMs =
    stepped.run.phase !== 'evaluation' ? null : entered ? nowMs + terms.deadlineMs : from.run.deadlineMs;
  const endedMs = isRunOver(stepped.run) ? nowMs : null;
  let next: Advance = { ...from, run: { ...from.run, state: stepped.run, deadlineMs, endedMs } };
  for (const type of stepped.effects) {
    if (type === 'start-round') next = beginRound(next, surroundings);
    else if (type === 'stop-round') next = stopRound(next, surroundings);
    else next = { ...next, effects: [...next.effects, { type }] };
  }
  // A round that this very withdrawal started, as the last decision, never had the site.
  const leaves = event.type === 'plan-withdrawn' && from.run.state.phase === 'training';
  return leaves ? withdrawFromRound(next, event.site, surroundings) : next;
}

/** A site that withdrew leaves the open round too, which may end it. It may not be in it, or it is too late: then nothing changes. */
function withdrawFromRound(from: Advance, site: SiteName, surroundings: Surroundings): Advance {
  const left = onRound(from, { type: 'site-withdrew', site }, surroundings);
  return 'refused' in left ? from : left;
}

function onRound(from: Advance, event: RoundEvent, surroundings: Surroundings): Advance | Refused {
  const { nowMs, terms } = surroundings;
  const { run, round } = from;
  if (!round || run.state.phase !== 'training') return { refused: 'wrong-phase' };
  const stepped = step(round.state, event, { sites: run.state.approved, minSites: terms.minSites });
  if ('refused' in stepped) return stepped;
  const state = stepped.round;
  const begins = state.phase === 'reporting' && round.state.phase === 'selection';
  const changed: RoundRecord = {
    ...round,
    state,
    deadlineMs: begins ? nowMs + terms.deadlineMs : round.deadlineMs,
    modelDigest: state.phase === 'published' ? state.modelDigest : null,
    endedMs: isRoundOver(state) ? nowMs : null,
  };
  const effects = stepped.effects.flatMap((type): CourseEffect[] =>
    type === 'offer-round' || type === 'start-aggregation' ? [{ type }] : [{ type: 'close-round', round: changed }],
  );
  const next = withRound({ ...from, effects: [...from.effects, ...effects] }, changed);
  return isRoundOver(state) ? afterRound(next, surroundings) : next;
}

/** A round that is over moves the run on: to the next round, the next attempt, the evaluation, or its failure. */
function afterRound(from: Advance, surroundings: Surroundings): Advance | Refused {
  const state = from.round!.state;
  if (state.phase === 'published') {
    const { modelDigest } = state;
    return onRun(
      { ...from, run: { ...from.run, modelDigest } },
      { type: 'round-published', modelDigest },
      surroundings,
    );
  }
  return onRun(from, { type: 'round-abandoned' }, surroundings);
}

function beginRound(from: Advance, surroundings: Surroundings): Advance {
  const { run } = from;
  if (run.state.phase !== 'training') return from;
  const { round: number, attempt, approved } = run.state;
  let next = withRound(from, {
    run: run.id,
    number,
    attempt,
    state: startRound(),
    baseDigest: run.modelDigest,
    modelDigest: null,
    loss: null,
    auc: null,
    startedMs: surroundings.nowMs,
    deadlineMs: surroundings.nowMs + surroundings.terms.deadlineMs,
    endedMs: null,
  });
  for (const site of approved.filter((name) => surroundings.connected.has(name))) {
    const joined = onRound(next, { type: 'site-joined', site }, surroundings);
    if (!('refused' in joined)) next = joined;
  }
  return next;
}

/** The run was paused or cancelled: its round is given up, which costs the run no attempt. */
function stopRound(from: Advance, { nowMs, terms }: Surroundings): Advance {
  const { round } = from;
  const stepped = round && step(round.state, { type: 'stopped' }, { sites: terms.sites, minSites: terms.minSites });
  if (!stepped || 'refused' in stepped) return from;
  const closed: RoundRecord = { ...round, state: stepped.round, endedMs: nowMs };
  return withRound({ ...from, effects: [...from.effects, { type: 'close-round', round: closed }] }, closed);
}

function withRound(from: Advance, round: RoundRecord): Advance {
  const others = from.rounds.filter((other) => other.number !== round.number || other.attempt !== round.attempt);
  return { ...from, round, rounds: [...others, round] };
}

/** When the current phase closes without the silent sites, UTC milliseconds; null where nothing but the sites ends it. */
export function deadlineOf({ run, round }: Course): number | null {
  if (run.state.phase === 'evaluation') return run.deadlineMs;
  if (run.state.phase !== 'training' || !round) return null;
  return round.state.phase === 'selection' || round.state.phase === 'reporting' ? round.deadlineMs : null;
}

export const deadlineEvent = ({ run }: Course): CourseEvent =>
  run.state.phase === 'evaluation'
    ? { of: 'run', event: { type: 'evaluation-deadline-passed' } }
    : { of: 'round', event: { type: 'deadline-passed' } };

/**
 * What has to be done about a course that was just read from the store: the effects of its latest step may or may not
 * have been performed before the program ended, and each is harmless to repeat.
 */
export function effectsOwed({ run, round }: Course): readonly CourseEffect[] {
  switch (run.state.phase) {
    case 'approval':
      return [{ type: 'offer-plan' }];
    case 'evaluation':
      return [{ type: 'offer-evaluation' }];
    case 'training':
      if (round?.state.phase === 'reporting') return [{ type: 'offer-round' }];
      return round?.state.phase === 'aggregation' ? [{ type: 'start-aggregation' }] : [];
    default:
      return [];
  }
}
