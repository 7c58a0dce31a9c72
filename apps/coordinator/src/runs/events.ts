import { bucketOf, type CoordinatorEvent } from '@consilium/ledger';
import { isRunOver } from '@consilium/round';
import { invariant, unreachable, type Code, type Digest, type RunId } from '@consilium/stdx';
import type { PersonId } from '../people/person-id.js';
import type { EvaluationRecord, RoundRecord, RunRecord, UpdateRecord } from '../records.js';
import type { Advance, Course, CourseEvent } from './course.js';

/** What came with the event and is no part of the state machines. */
export interface Beside {
  readonly update?: UpdateRecord;
  /** The document in which the site signed this update. */
  readonly statement?: Digest;
  readonly evaluation?: EvaluationRecord;
  /** The document of its metrics. */
  readonly metrics?: Digest | null;
  /** Why the site rejected the plan, or the document in which it approved. */
  readonly decision?: { readonly code: Code | null; readonly envelope: Digest | null };
  /** Who steered the run. */
  readonly by?: PersonId;
}

/**
 * What the ledger says about one step of a run. The cause comes first and then what followed from it, so that an auditor
 * who feeds the causes to `step` and `stepRun` meets each consequence where it stands:
 *
 * | entry                                   | event                                                                |
 * | --------------------------------------- | -------------------------------------------------------------------- |
 * | plan.decided, plan.withdrawn            | plan-approved or -rejected, plan-withdrawn (then site-withdrew)       |
 * | run.steered                             | paused, resumed, cancelled                                           |
 * | site.joined, site.dropped, round.deadline, update.committed | the event of that name                            |
 * | aggregate.published                     | model-published, then round-published                                |
 * | round.abandoned                         | aggregation-failed if that is its reason, then round-abandoned        |
 * | evaluation.received                     | evaluation-received                                                  |
 * | run.ended                               | evaluation-deadline-passed if the evaluation was still open           |
 * | round.started, round.offered, evaluation.offered | none: they say what the machines say, and to whom           |
 *
 * A site that the deadline drops is not told again, and neither is one that leaves its round by withdrawing.
 */
export function eventsOf(before: Course, event: CourseEvent, after: Advance, beside: Beside): CoordinatorEvent[] {
  return [
    ...causeOf(before, event, beside),
    ...after.rounds.flatMap((round) => newsOfRound(before.round, round, after.run)),
    ...newsOfRun(before.run, after.run),
  ];
}

function causeOf(before: Course, { of, event }: CourseEvent, beside: Beside): CoordinatorEvent[] {
  const { id: run, planDigest: plan } = before.run;
  if (of === 'round') return causeOfRound(before.round, event, beside);
  switch (event.type) {
    case 'plan-approved':
    case 'plan-rejected': {
      const { code, envelope } = beside.decision ?? { code: null, envelope: null };
      return [
        { type: 'plan.decided', run, plan, site: event.site, approved: event.type === 'plan-approved', code, envelope },
      ];
    }
    case 'plan-withdrawn':
      return [{ type: 'plan.withdrawn', run, plan, site: event.site }];
    case 'evaluation-received': {
      const { site, modelDigest: model, code } = requireBeside(beside.evaluation);
      return [{ type: 'evaluation.received', run, site, model, code, metrics: beside.metrics ?? null }];
    }
    case 'paused':
    case 'resumed':
    case 'cancelled':
      return [{ type: 'run.steered', run, action: STEERED[event.type], by: requireBeside(beside.by) }];
    case 'evaluation-deadline-passed':
    case 'round-published':
    case 'round-abandoned':
      return [];
    default:
      return unreachable(event);
  }
}

const STEERED = { paused: 'pause', resumed: 'resume', cancelled: 'cancel' } as const;

function causeOfRound(
  round: RoundRecord | null,
  event: (CourseEvent & { of: 'round' })['event'],
  beside: Beside,
): CoordinatorEvent[] {
  invariant(round, 'an event of a round that was accepted has a round');
  const pass = passOf(round);
  switch (event.type) {
    case 'site-joined':
      return [{ type: 'site.joined', ...pass, site: event.site }];
    case 'site-dropped':
      return [{ type: 'site.dropped', ...pass, site: event.site, reason: event.reason }];
    case 'update-committed': {
      const { site, sha256, length: bytes, examples } = requireBeside(beside.update);
      const statement = requireBeside(beside.statement);
      return [{ type: 'update.committed', ...pass, site, sha256, bytes, examples: bucketOf(examples), statement }];
    }
    case 'deadline-passed':
      return [{ type: 'round.deadline', ...pass }];
    case 'model-published':
    case 'aggregation-failed':
    case 'site-withdrew':
    case 'stopped':
      return [];
    default:
      return unreachable(event);
  }
}

/** How the round began, was offered or ended in this step; more than one of them if it did. */
function newsOfRound(before: RoundRecord | null, round: RoundRecord, run: RunRecord): CoordinatorEvent[] {
  const begun = !before || before.number !== round.number || before.attempt !== round.attempt;
  const { state } = round;
  const pass = passOf(round);
  const events: CoordinatorEvent[] = [];
  if (begun) {
    events.push({ type: 'round.started', ...pass, model: round.baseDigest });
    const joined = state.phase === 'selection' ? state.joined : state.phase === 'reporting' ? state.participants : [];
    events.push(...joined.map((site): CoordinatorEvent => ({ type: 'site.joined', ...pass, site })));
  }
  if (state.phase === 'reporting' && (begun || before.state.phase === 'selection')) {
    const participants = [...state.participants];
    events.push({ type: 'round.offered', ...pass, plan: run.planDigest, model: round.baseDigest, participants });
  }
  if (state.phase === 'published') {
    const { modelDigest: model, contributors } = state;
    events.push({ type: 'aggregate.published', ...pass, model, contributors: [...contributors] });
  }
  if (state.phase === 'abandoned') events.push({ type: 'round.abandoned', ...pass, reason: state.reason });
  return events;
}

function newsOfRun({ state: before }: RunRecord, { id: run, planDigest: plan, state }: RunRecord): CoordinatorEvent[] {
  if (state.phase === 'evaluation' && before.phase === 'training') {
    return [{ type: 'evaluation.offered', run, plan, model: state.modelDigest }];
  }
  if (!isRunOver(state)) return [];
  const model = state.phase === 'finished' ? state.modelDigest : null;
  const code = state.phase === 'failed' ? state.code : null;
  return [{ type: 'run.ended', run, outcome: state.phase, model, code }];
}

const passOf = ({ run, number: round, attempt }: RoundRecord) => ({ run, round, attempt });

function requireBeside<T>(value: T | undefined): T {
  invariant(value !== undefined, 'what the ledger says of an event came with it');
  return value;
}

/** The name by which evidence for an entry is looked up, for those that somebody must be shown; null for all others. */
export function subjectOf(event: CoordinatorEvent): string | null {
  switch (event.type) {
    case 'run.started':
      return subjectOfRun(event.run);
    case 'round.offered':
      return subjectOfRound(event);
    case 'evaluation.offered':
      return subjectOfEvaluation(event.run);
    default:
      return null;
  }
}

export const subjectOfRun = (run: RunId): string => `run.started ${run}`;
export const subjectOfRound = ({ run, round, attempt }: { run: RunId; round: number; attempt: number }): string =>
  `round.offered ${run} ${round} ${attempt}`;
export const subjectOfEvaluation = (run: RunId): string => `evaluation.offered ${run}`;
