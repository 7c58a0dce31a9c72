import { unreachable, type Digest, type SiteName } from '@consilium/stdx';

/**
 * The life of one round of one run, as data and one pure function.
 *
 *   selection ──► reporting ──► aggregation ──► published
 *       │             │              │
 *       └─────────────┴──────────────┴────────► abandoned
 *
 * `step` performs nothing: it answers the next state and the effects that the coordinator must carry out, or why the
 * event is refused. Lists are sorted by site name, so equal histories give equal JSON and an auditor who replays the
 * events meets the same states.
 */
export type Round = Selection | Reporting | Aggregation | Published | Abandoned;

export interface Selection {
  readonly phase: 'selection';
  readonly joined: readonly SiteName[];
}

export interface Reporting {
  readonly phase: 'reporting';
  readonly participants: readonly SiteName[];
  readonly reported: readonly SiteName[];
  readonly dropped: Dropped;
}

export interface Aggregation {
  readonly phase: 'aggregation';
  readonly contributors: readonly SiteName[];
  readonly dropped: Dropped;
}

export interface Published {
  readonly phase: 'published';
  readonly contributors: readonly SiteName[];
  readonly dropped: Dropped;
  readonly modelDigest: Digest;
}

export interface Abandoned {
  readonly phase: 'abandoned';
  readonly reason: AbandonReason;
}

/** Why a participant's update is not in the round. It is final: a site that was dropped is asked again next round, unless it withdrew from the run. */
export type DropReason = 'deadline-passed' | 'refused' | 'disconnected' | 'update-refused' | 'withdrawn';
export type Dropped = Readonly<Record<SiteName, DropReason>>;
export type AbandonReason = 'too-few-sites' | 'too-few-updates' | 'aggregation-failed' | 'stopped';

export type RoundEvent =
  | { readonly type: 'site-joined'; readonly site: SiteName }
  | { readonly type: 'site-dropped'; readonly site: SiteName; readonly reason: DropReason }
  /** The site took its approval back and the terms name it no more. An update of it that was committed counts no more. */
  | { readonly type: 'site-withdrew'; readonly site: SiteName }
  /** The whole update is on disk and was admitted; a later loss of the site changes nothing. */
  | { readonly type: 'update-committed'; readonly site: SiteName }
  | { readonly type: 'deadline-passed' }
  | { readonly type: 'model-published'; readonly modelDigest: Digest }
  | { readonly type: 'aggregation-failed' }
  | { readonly type: 'stopped' };

/** The sites that approved the plan, and how many updates a model needs at least. */
export interface RoundTerms {
  readonly sites: readonly SiteName[];
  readonly minSites: number;
}

export type RoundEffect = 'offer-round' | 'start-aggregation' | 'announce-published' | 'discard-updates';
export type RoundRefusal =
  'wrong-phase' | 'not-a-participant' | 'already-joined' | 'already-reported' | 'already-dropped';
export type RoundStep =
  { readonly round: Round; readonly effects: readonly RoundEffect[] } | { readonly refused: RoundRefusal };

export const startRound = (): Round => ({ phase: 'selection', joined: [] });

/** Whether nothing more can happen in this round. */
export const isRoundOver = (round: Round): round is Published | Abandoned =>
  round.phase === 'published' || round.phase === 'abandoned';

/** The round after the event. Guarantees: a model has at least `minSites` contributors, each a participant, each once. */
export function step(round: Round, event: RoundEvent, terms: RoundTerms): RoundStep {
  if (isRoundOver(round)) return refuse('wrong-phase');
  if (event.type === 'stopped') return abandon('stopped');
  switch (round.phase) {
    case 'selection':
      return select(round, event, terms);
    case 'reporting':
      return report(round, event, terms);
    case 'aggregation':
      return aggregate(round, event);
    default:
      return unreachable(round);
  }
}

function select(round: Selection, event: RoundEvent, terms: RoundTerms): RoundStep {
  switch (event.type) {
    case 'site-joined': {
      if (!terms.sites.includes(event.site)) return refuse('not-a-participant');
      if (round.joined.includes(event.site)) return refuse('already-joined');
      const joined = including(round.joined, event.site);
      return joined.length === terms.sites.length ? begin(joined, terms) : go({ phase: 'selection', joined });
    }
    case 'site-dropped':
      if (!round.joined.includes(event.site)) return refuse('not-a-participant');
      return go({ phase: 'selection', joined: without(round.joined, event.site) });
    case 'site-withdrew': {
      const joined = without(round.joined, event.site);
      // The others may have waited for it alone.
      return joined.length === terms.sites.length ? begin(joined, terms) : go({ phase: 'selection', joined });
    }
    case 'deadline-passed':
      return begin(round.joined, terms);
    default:
      return refuse('wrong-phase');
  }
}

function begin(participants: readonly SiteName[], terms: RoundTerms): RoundStep {
  if (participants.length < terms.minSites) return abandon('too-few-sites');
  return go({ phase: 'reporting', participants, reported: [], dropped: {} }, 'offer-round');
}

function report(round: Reporting, event: RoundEvent, terms: RoundTerms): RoundStep {
  switch (event.type) {
    case 'update-committed':
    case 'site-dropped': {
      if (!round.participants.includes(event.site)) return refuse('not-a-participant');
      if (round.reported.includes(event.site)) return refuse('already-reported');
      // Object.hasOwn, since a site may be called `constructor`.
      if (Object.hasOwn(round.dropped, event.site)) return refuse('already-dropped');
      return settle(
        event.type === 'update-committed'
          ? { ...round, reported: including(round.reported, event.site) }
          : { ...round, dropped: dropping(round.dropped, [event.site], event.reason) },
        terms,
      );
    }
    case 'site-withdrew': {
      const { site } = event;
      if (!round.participants.includes(site)) return refuse('not-a-participant');
      if (Object.hasOwn(round.dropped, site)) return refuse('already-dropped');
      const dropped = dropping(round.dropped, [site], 'withdrawn');
      return settle({ ...round, reported: without(round.reported, site), dropped }, terms);
    }
    case 'deadline-passed':
      return settle({ ...round, dropped: dropping(round.dropped, missing(round), 'deadline-passed') }, terms);
    default:
      return refuse('wrong-phase');
  }
}

/** Goes on once every participant has either reported or been dropped. */
function settle(round: Reporting, terms: RoundTerms): RoundStep {
  if (missing(round).length > 0) return go(round);
  if (round.reported.length < terms.minSites) return abandon('too-few-updates');
  return go({ phase: 'aggregation', contributors: round.reported, dropped: round.dropped }, 'start-aggregation');
}

function aggregate(round: Aggregation, event: RoundEvent): RoundStep {
  switch (event.type) {
    case 'model-published':
      return go({ ...round, phase: 'published', modelDigest: event.modelDigest }, 'announce-published');
    case 'aggregation-failed':
      return abandon('aggregation-failed');
    default:
      return refuse('wrong-phase');
  }
}

const missing = (round: Reporting): readonly SiteName[] =>
  round.participants.filter((site) => !round.reported.includes(site) && !Object.hasOwn(round.dropped, site));

function dropping(dropped: Dropped, sites: readonly SiteName[], reason: DropReason): Dropped {
  const entries = [...Object.entries(dropped), ...sites.map((site) => [site, reason] as const)];
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) as Dropped;
}

const including = (sites: readonly SiteName[], site: SiteName): readonly SiteName[] => [...sites, site].sort();
const without = (sites: readonly SiteName[], site: SiteName): readonly SiteName[] =>
  sites.filter((name) => name !== site);
const go = (round: Round, ...effects: RoundEffect[]): RoundStep => ({ round, effects });
const refuse = (refused: RoundRefusal): RoundStep => ({ refused });
const abandon = (reason: AbandonReason): RoundStep => go({ phase: 'abandoned', reason }, 'discard-updates');
