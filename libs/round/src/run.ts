import { unreachable, type Code, type Digest, type SiteName } from '@consilium/stdx';

/**
 * The life of one run: one plan, carried out once. As data and one pure function, like {@link step} for a round.
 *
 *   approval ──► training (round 1 … n, each in one or more attempts) ──► evaluation ──► finished
 *      │ ▲           │ ▲                                                     │ ▲
 *      ▼ │           ▼ │                                                     ▼ │
 *     paused        paused                                                  paused
 *
 * and from any of them to `failed` or `cancelled`, which are final like `finished`. Lists are sorted by site name.
 */
export type Run = Approval | Training | Evaluating | Paused | Finished | Failed | Cancelled;

export interface Approval {
  readonly phase: 'approval';
  readonly approved: readonly SiteName[];
  readonly rejected: readonly SiteName[];
}

export interface Training {
  readonly phase: 'training';
  /** From 1 to the plan's `rounds.count`. */
  readonly round: number;
  /** From 1, never used twice for one round: together with `round` it names what sites work on. */
  readonly attempt: number;
  /** How many attempts of this round were abandoned; a pause is not one of them. */
  readonly failedAttempts: number;
  readonly approved: readonly SiteName[];
}

/** The last round's model is measured at the sites. */
export interface Evaluating {
  readonly phase: 'evaluation';
  readonly modelDigest: Digest;
  readonly evaluated: readonly SiteName[];
  readonly approved: readonly SiteName[];
}

export interface Paused {
  readonly phase: 'paused';
  /** Exactly what the run becomes when it is resumed. */
  readonly resumes: Active;
}

export interface Finished {
  readonly phase: 'finished';
  readonly modelDigest: Digest;
}

export interface Failed {
  readonly phase: 'failed';
  readonly code: Code;
}

export interface Cancelled {
  readonly phase: 'cancelled';
}

type Active = Approval | Training | Evaluating;
type Over = Finished | Failed | Cancelled;

export type RunEvent =
  | { readonly type: 'plan-approved'; readonly site: SiteName }
  | { readonly type: 'plan-rejected'; readonly site: SiteName }
  /** The site takes its approval back. In training, its round hears of it as `site-withdrew`. */
  | { readonly type: 'plan-withdrawn'; readonly site: SiteName }
  | { readonly type: 'round-published'; readonly modelDigest: Digest }
  | { readonly type: 'round-abandoned' }
  | { readonly type: 'evaluation-received'; readonly site: SiteName }
  | { readonly type: 'evaluation-deadline-passed' }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  | { readonly type: 'cancelled' };

/** What the plan says about the run's course. */
export interface RunTerms {
  readonly sites: readonly SiteName[];
  readonly minSites: number;
  readonly rounds: number;
  /** A round that was abandoned this many times ends the run. */
  readonly maxAttempts: number;
}

export type RunEffect =
  'offer-plan' | 'start-round' | 'stop-round' | 'offer-evaluation' | 'publish-model' | 'announce-end';
export type RunRefusal = 'wrong-phase' | 'not-in-plan' | 'already-decided' | 'not-approved' | 'already-evaluated';
export type RunStep = { readonly run: Run; readonly effects: readonly RunEffect[] } | { readonly refused: RunRefusal };

/** A new run waits for the sites; whoever creates it offers the plan (`offer-plan`). */
export const startRun = (): Run => ({ phase: 'approval', approved: [], rejected: [] });

/** Whether nothing more can happen in this run. */
export const isRunOver = (run: Run): run is Over =>
  run.phase === 'finished' || run.phase === 'failed' || run.phase === 'cancelled';

/** The run after the event. Guarantee: training starts with at least `minSites` approvals, and ends within rounds × maxAttempts failures. */
export function stepRun(run: Run, event: RunEvent, terms: RunTerms): RunStep {
  if (isRunOver(run)) return refuse('wrong-phase');
  if (event.type === 'cancelled') return end({ phase: 'cancelled' }, ...stopping(run));
  if (event.type === 'plan-withdrawn') return withdraw(run, event.site, terms);
  if (run.phase === 'paused') return event.type === 'resumed' ? resume(run.resumes, terms) : refuse('wrong-phase');
  if (event.type === 'paused') return pause(run);
  switch (run.phase) {
    case 'approval':
      return decide(run, event, terms);
    case 'training':
      return train(run, event, terms);
    case 'evaluation':
      return evaluate(run, event);
    default:
      return unreachable(run);
  }
}

/** Waits until every site has decided: then those who approved train, if they are enough. */
function decide(run: Approval, event: RunEvent, terms: RunTerms): RunStep {
  if (event.type !== 'plan-approved' && event.type !== 'plan-rejected') return refuse('wrong-phase');
  const { site } = event;
  if (!terms.sites.includes(site)) return refuse('not-in-plan');
  if (run.approved.includes(site) || run.rejected.includes(site)) return refuse('already-decided');

  const approved = event.type === 'plan-approved' ? including(run.approved, site) : run.approved;
  const rejected = event.type === 'plan-rejected' ? including(run.rejected, site) : run.rejected;
  return settle({ phase: 'approval', approved, rejected }, terms);
}

function settle(run: Approval, terms: RunTerms, ...waiting: RunEffect[]): RunStep {
  const { approved, rejected } = run;
  if (approved.length + rejected.length < terms.sites.length) return go(run, ...waiting);
  if (approved.length < terms.minSites) return end({ phase: 'failed', code: 'PLAN_REJECTED' });
  return go({ phase: 'training', round: 1, attempt: 1, failedAttempts: 0, approved }, 'start-round');
}

function train(run: Training, event: RunEvent, terms: RunTerms): RunStep {
  const { approved, round } = run;
  switch (event.type) {
    case 'round-published': {
      if (round < terms.rounds) {
        return go({ phase: 'training', round: round + 1, attempt: 1, failedAttempts: 0, approved }, 'start-round');
      }
      const { modelDigest } = event;
      return go({ phase: 'evaluation', modelDigest, evaluated: [], approved }, 'offer-evaluation');
    }
    case 'round-abandoned': {
      const failedAttempts = run.failedAttempts + 1;
      if (failedAttempts >= terms.maxAttempts) return end({ phase: 'failed', code: 'RUN_FAILED' });
      return go({ ...run, attempt: run.attempt + 1, failedAttempts }, 'start-round');
    }
    default:
      return refuse('wrong-phase');
  }
}

function evaluate(run: Evaluating, event: RunEvent): RunStep {
  switch (event.type) {
    case 'evaluation-received': {
      if (!run.approved.includes(event.site)) return refuse('not-approved');
      if (run.evaluated.includes(event.site)) return refuse('already-evaluated');
      return expectAll({ ...run, evaluated: including(run.evaluated, event.site) });
    }
    case 'evaluation-deadline-passed':
      return finish(run);
    default:
      return refuse('wrong-phase');
  }
}

/** Finishes once every site that still takes part has answered. */
const expectAll = (run: Evaluating, ...waiting: RunEffect[]): RunStep =>
  run.evaluated.length === run.approved.length ? finish(run) : go(run, ...waiting);

const finish = ({ modelDigest }: Evaluating): RunStep =>
  go({ phase: 'finished', modelDigest }, 'publish-model', 'announce-end');

/** What was decided without the site goes on without it: training needs its quorum, a trained model is only measured. */
function withdraw(run: Active | Paused, site: SiteName, terms: RunTerms): RunStep {
  if (!terms.sites.includes(site)) return refuse('not-in-plan');
  const active = run.phase === 'paused' ? run.resumes : run;
  if (active.phase === 'approval' && active.rejected.includes(site)) return refuse('already-decided');
  if (active.phase !== 'approval' && !active.approved.includes(site)) return refuse('not-approved');
  const left = leaving(active, site);
  if (left.phase === 'training' && left.approved.length < terms.minSites) {
    return end({ phase: 'failed', code: 'PLAN_REJECTED' }, ...stopping(run));
  }
  if (run.phase === 'paused') return go({ phase: 'paused', resumes: left });
  switch (left.phase) {
    case 'approval':
      return settle(left, terms);
    case 'training':
      return go(left);
    case 'evaluation':
      return expectAll(left);
    default:
      return unreachable(left);
  }
}

function leaving(run: Active, site: SiteName): Active {
  const approved = without(run.approved, site);
  switch (run.phase) {
    case 'approval':
      return { ...run, approved, rejected: including(run.rejected, site) };
    case 'training':
      return { ...run, approved };
    case 'evaluation':
      return { ...run, approved, evaluated: without(run.evaluated, site) };
    default:
      return unreachable(run);
  }
}

/** Stops the round under way. It is repeated under the next attempt number, so late answers to the old one are told apart. */
function pause(run: Active): RunStep {
  const resumes = run.phase === 'training' ? { ...run, attempt: run.attempt + 1 } : run;
  return go({ phase: 'paused', resumes }, ...stopping(run));
}

/** A withdrawal during the pause may have been the last thing that was waited for. */
function resume(run: Active, terms: RunTerms): RunStep {
  switch (run.phase) {
    case 'approval':
      return settle(run, terms, 'offer-plan');
    case 'training':
      return go(run, 'start-round');
    case 'evaluation':
      return expectAll(run, 'offer-evaluation');
    default:
      return unreachable(run);
  }
}

const stopping = (run: Active | Paused): readonly RunEffect[] => (run.phase === 'training' ? ['stop-round'] : []);
const including = (sites: readonly SiteName[], site: SiteName): readonly SiteName[] => [...sites, site].sort();
const without = (sites: readonly SiteName[], site: SiteName): readonly SiteName[] =>
  sites.filter((name) => name !== site);
const go = (run: Run, ...effects: RunEffect[]): RunStep => ({ run, effects });
const end = (run: Over, ...effects: RunEffect[]): RunStep => go(run, ...effects, 'announce-end');
const refuse = (refused: RunRefusal): RunStep => ({ refused });
