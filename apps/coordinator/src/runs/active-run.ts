import { isRunOver, type RoundRefusal, type RunRefusal, type SignedPlan } from '@consilium/round';
import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import type { Log } from '../log.js';
import type { EvaluationRecord, PlanRecord, RoundRecord, RunRecord, UpdateRecord } from '../records.js';
import { aggregateRound } from './aggregate-round.js';
import { Board, type Progress } from './board.js';
import {
  advance,
  deadlineEvent,
  deadlineOf,
  effectsOwed,
  type Advance,
  type Course,
  type CourseEffect,
  type CourseEvent,
} from './course.js';
import { Dispatch } from './dispatch.js';
import { eventsOf, type Beside } from './events.js';
import { insist, mayPass } from './insist.js';
import { roundClosed, runEnded, type OfferTerms } from './offers.js';
import { roundFigures, versionOf } from './publication.js';
import { SerialQueue } from './queue.js';
import type { RunWorld } from './world.js';

/** One pass of the run, as sites and the database name it. */
export interface RoundKey {
  readonly number: number;
  readonly attempt: number;
}

export type Fed = 'accepted' | RunRefusal | RoundRefusal | 'out-of-date';

/** What a run's earlier steps left in the store. */
export interface RunHistory {
  readonly record: PlanRecord;
  readonly plan: SignedPlan;
  readonly rounds: readonly RoundRecord[];
  /** Of the current round. */
  readonly updates: readonly UpdateRecord[];
  readonly evaluations: readonly EvaluationRecord[];
}

/** How long sites have at least after a restart: the time that the coordinator was away does not count against them. */
const GRACE_MS = 60_000;

/**
 * A run under way: takes events one at a time, stores the step that each causes in one transaction, and only then acts
 * on it. Killed between the two, the next start finds the step and acts again; every act is harmless to repeat.
 */
export class ActiveRun {
  readonly board: Board;
  readonly terms: OfferTerms;
  readonly #queue = new SerialQueue();
  readonly #log: Log;
  readonly #rounds: Map<string, RoundRecord>;
  readonly #evaluations: Map<SiteName, EvaluationRecord>;
  readonly #dispatch: Dispatch;
  readonly #ending = new AbortController();
  #updates: readonly UpdateRecord[];
  #course: Course;
  #disarm = (): void => {};
  #closed = false;

  constructor(
    run: RunRecord,
    terms: OfferTerms,
    history: Pick<RunHistory, 'rounds' | 'updates' | 'evaluations'>,
    private readonly world: RunWorld,
  ) {
    this.terms = terms;
    this.board = new Board(terms.plan.sites, run.standings);
    this.#log = world.log.child({ run: run.id });
    this.#rounds = new Map(history.rounds.map((round) => [keyOf(round), round]));
    this.#updates = history.updates;
    this.#evaluations = new Map(history.evaluations.map((evaluation) => [evaluation.site, evaluation]));
    this.#course = this.#withGrace({ run, round: history.rounds.at(-1) ?? null });
    this.#dispatch = new Dispatch(() => this.#course, terms, world, this.#log);
  }

  get course(): Course {
    return this.#course;
  }
  get rounds(): readonly RoundRecord[] {
    return [...this.#rounds.values()];
  }
  get evaluations(): readonly EvaluationRecord[] {
    return [...this.#evaluations.values()];
  }

  /** Acts on what is stored: after the run was created, and after a restart. */
  resume(): Promise<void> {
    return this.#queue.run(async () => {
      const { run, round } = this.#course;
      const open = round && round.endedMs === null ? { round: round.number, attempt: round.attempt } : undefined;
      await this.world.spool.discard(run.id, open);
      const owed = effectsOwed(this.#course);
      this.#perform(owed.filter(({ type }) => type !== 'start-aggregation'));
      if (owed.some(({ type }) => type === 'start-aggregation')) void this.#aggregateOnceFresh();
      this.#arm();
    });
  }

  /** A site opened a session: it joins a round that gathers, and hears what it owes. */
  siteArrived(site: SiteName): Promise<void> {
    return this.#queue.run(async () => {
      if (this.#course.round?.state.phase === 'selection') {
        await this.#step({ of: 'round', event: { type: 'site-joined', site } }, {});
      }
      this.#dispatch.offer(site);
    });
  }

  /** Takes an event about the run as a whole. */
  feed(event: CourseEvent & { of: 'run' }, beside: Beside = {}): Promise<Fed> {
    return this.#queue.run(() => this.#step(event, beside));
  }

  /** Takes an event about one pass; about any other than the current one it is out of date. */
  feedRound(key: RoundKey, event: (CourseEvent & { of: 'round' })['event'], beside: Beside = {}): Promise<Fed> {
    return this.#queue.run(async () =>
      this.isCurrent(key) ? this.#step({ of: 'round', event }, beside) : 'out-of-date',
    );
  }

  isCurrent({ number, attempt }: RoundKey): boolean {
    const { round } = this.#course;
    return round?.number === number && round.attempt === attempt && round.endedMs === null;
  }

  /** The site's committed update of the current round. */
  updateOf = (site: SiteName): UpdateRecord | undefined => this.#updates.find((update) => update.site === site);

  sawProgress(site: SiteName, progress: Progress): void {
    this.board.sawProgress(site, progress);
    this.world.changed(this.#course.run.id);
  }

  sawBytes(site: SiteName, direction: 'up' | 'down', bytes: number): void {
    this.board.sawBytes(site, direction, bytes);
    this.world.observer.bytes(direction, bytes);
  }

  /** Whether the site is to fetch this model now. */
  mayDownload(site: SiteName, digest: Digest): boolean {
    const { state, modelDigest } = this.#course.run;
    if (state.phase !== 'training' && state.phase !== 'evaluation') return false;
    return modelDigest === digest && state.approved.includes(site);
  }

  /** Stops acting; what is stored is what the next start goes on from. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#ending.abort();
    this.#dispatch.close();
    this.#disarm();
    await this.#queue.idle();
  }

  async #step(event: CourseEvent, beside: Beside): Promise<Fed> {
    if (this.#closed) throw new Fault('CANCELLED');
    const { clock, sessions, runs, ledger } = this.world;
    const { plan } = this.terms;
    const next = advance(this.#course, event, {
      terms: {
        sites: plan.sites,
        minSites: plan.rounds.minSites,
        rounds: plan.rounds.count,
        maxAttempts: plan.rounds.maxAttempts,
        deadlineMs: plan.rounds.deadlineSeconds * 1000,
      },
      connected: sessions.connected,
      nowMs: clock.now(),
    });
    if ('refused' in next) return next.refused;

    const updates = beside.update ? [...this.#updates, beside.update] : this.#updates;
    const rounds = next.rounds.map((round) => withFigures(round, updates));
    const standings = this.board.after(next.run.state, event.event, beside.update);
    const run = { ...next.run, revision: this.#course.run.revision + 1, standings };
    const { update, evaluation } = beside;
    const version = await this.#version(next, run, rounds, evaluation);
    const events = ledger.seal(eventsOf(this.#course, event, next, beside));
    const records = { ...(update && { update }), ...(evaluation && { evaluation }), ...(version && { version }) };
    await runs.commit({ run, rounds, events, ...records }).catch((error: unknown) => {
      // Memory and store have parted (another writer, or an answer that was lost): only a new start joins them again.
      if (Fault.is(error, 'STATE_LOCKED')) this.world.fatal(error);
      throw error;
    });

    ledger.stored();
    this.#accept({ run, round: rounds.at(-1) ?? next.round }, rounds, updates, evaluation);
    this.#perform(next.effects);
    this.#arm();
    this.world.changed(run.id);
    return 'accepted';
  }

  async #version(next: Advance, run: RunRecord, rounds: readonly RoundRecord[], evaluation?: EvaluationRecord) {
    if (next.run.state.phase !== 'finished') return undefined;
    const evaluations = [...this.evaluations, ...(evaluation ? [evaluation] : [])];
    return versionOf(run, {
      digest: next.run.state.modelDigest,
      manifest: this.terms.manifest,
      rounds: [...this.rounds, ...rounds],
      updates: await this.world.runs.updates(run.id),
      evaluations: evaluations.sort((a, b) => (a.site < b.site ? -1 : 1)),
      nowMs: this.world.clock.now(),
    });
  }

  /** The step is stored: from here on it is what everybody sees. */
  #accept(
    course: Course,
    rounds: readonly RoundRecord[],
    updates: readonly UpdateRecord[],
    evaluation: EvaluationRecord | undefined,
  ): void {
    const before = this.#course.round;
    const begun = course.round && keyOf(course.round) !== (before && keyOf(before));
    this.#course = course;
    this.#updates = begun ? [] : updates;
    if (begun) this.board.clearProgress();
    for (const round of rounds) this.#rounds.set(keyOf(round), round);
    if (evaluation) this.#evaluations.set(evaluation.site, evaluation);
    this.board.accept(course.run.standings);
  }

  #perform(effects: readonly CourseEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'close-round') this.#closeRound(effect.round);
      else if (effect.type === 'start-aggregation') void this.#aggregate();
      else if (effect.type === 'announce-end') this.#announceEnd();
      else if (effect.type !== 'publish-model') this.#dispatch.offerAll();
    }
  }

  #closeRound(round: RoundRecord): void {
    const outcome = round.state.phase === 'published' ? 'published' : 'abandoned';
    const ms = (round.endedMs ?? round.startedMs) - round.startedMs;
    this.#log.info({ round: round.number, attempt: round.attempt, outcome, ms }, 'round closed');
    this.world.observer.roundClosed(outcome, ms);
    for (const site of this.terms.plan.sites) {
      if (this.board.standing(site).decision === 'approved') this.world.sessions.send(site, roundClosed(round));
    }
    this.#discardUploads();
  }

  #announceEnd(): void {
    const { run } = this.#course;
    this.#log.info({ state: run.state }, 'run ended');
    for (const site of this.terms.plan.sites) this.world.sessions.send(site, runEnded(run));
    this.world.sessions.forget(run.id);
    this.#discardUploads();
  }

  /** Uploads of closed rounds are of no use to anybody, and sensitive: they go at once. */
  #discardUploads(): void {
    const { run, round } = this.#course;
    const open = round && round.endedMs === null ? { round: round.number, attempt: round.attempt } : undefined;
    const failed = (err: unknown): void => this.#log.warn({ err }, 'uploads could not be removed; the next start will');
    void this.world.spool.discard(run.id, open).catch(failed);
  }

  /** A state that was read from an old copy publishes nothing: first its log must be the one that the sites have seen. */
  async #aggregateOnceFresh(): Promise<void> {
    const { evidence } = this.world;
    try {
      await evidence.fresh(this.terms.plan.roster.sites, this.#ending.signal);
      await this.#aggregate();
    } catch (err) {
      if (!this.#closed) this.#log.error({ err }, 'the aggregation waits for the next start');
    }
  }

  async #aggregate(): Promise<void> {
    const { round, run } = this.#course;
    if (!round || round.state.phase !== 'aggregation') return;
    const log = this.#log.child({ round: round.number, attempt: round.attempt });
    const { clock } = this.world;
    const contributors = round.state.contributors;
    const updates = this.#updates.filter(({ site }) => contributors.includes(site));
    try {
      const started = clock.monotonic();
      const work = (): Promise<Digest> => aggregateRound(round, updates, this.terms, this.world);
      const modelDigest = await insist(work, {
        clock,
        log,
        passing: (error) => !this.#closed && Fault.is(error, 'DISK_FULL'),
      });
      log.info({ ms: Math.round(clock.monotonic() - started), updates: updates.length, modelDigest }, 'aggregated');
      await this.#insist(() => this.feedRound(round, { type: 'model-published', modelDigest }));
    } catch (error) {
      if (this.#closed) return;
      log.error({ err: error, base: run.modelDigest }, 'aggregation failed');
      await this.#insist(() => this.feedRound(round, { type: 'aggregation-failed' }));
    }
  }

  /** Wakes the run when its phase's time is over. The instant is compared again in the queue: the phase may have gone on. */
  #arm(): void {
    this.#disarm();
    const { clock } = this.world;
    const deadlineMs = deadlineOf(this.#course);
    if (deadlineMs === null || isRunOver(this.#course.run.state)) return;
    this.#disarm = clock.after(Math.max(0, deadlineMs - clock.now()), () => {
      const passed = async (): Promise<Fed> =>
        deadlineOf(this.#course) === deadlineMs ? this.#step(deadlineEvent(this.#course), {}) : 'out-of-date';
      void this.#insist(() => this.#queue.run(passed));
    });
  }

  async #insist(work: () => Promise<unknown>): Promise<void> {
    const { clock, fatal, ledger } = this.world;
    try {
      await insist(work, { clock, log: this.#log, passing: (error) => !this.#closed && mayPass(error) });
    } catch (error) {
      // The step itself has told of another writer, and a coordinator that halted stays up to say why.
      if (!this.#closed && !Fault.is(error, 'STATE_LOCKED') && error !== ledger.trouble) fatal(error);
    }
  }

  #withGrace({ run, round }: Course): Course {
    const earliest = this.world.clock.now() + Math.min(GRACE_MS, this.terms.plan.rounds.deadlineSeconds * 1000);
    return {
      run: run.deadlineMs === null ? run : { ...run, deadlineMs: Math.max(run.deadlineMs, earliest) },
      round: round && round.endedMs === null ? { ...round, deadlineMs: Math.max(round.deadlineMs, earliest) } : round,
    };
  }
}

const keyOf = ({ number, attempt }: RoundKey): string => `${number}-${attempt}`;

const withFigures = (round: RoundRecord, updates: readonly UpdateRecord[]): RoundRecord =>
  round.state.phase === 'published' ? { ...round, ...roundFigures(round.state.contributors, updates) } : round;
