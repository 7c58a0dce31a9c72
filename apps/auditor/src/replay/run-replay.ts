import { startRound, startRun, step, stepRun, type Round, type Run, type RunEvent } from '@consilium/round';
import type { DropReason, RoundEvent, RunTerms, SignedPlan } from '@consilium/round';
import type { Digest, SiteName } from '@consilium/stdx';
import type { Findings } from '../findings.js';
import type { CoordinatorEntryOf } from '../audit/recorded.js';
import type { RunEntry } from './run-entries.js';

/** One attempt of one round, as the coordinator's log tells it and as the state machine allows. */
export interface RoundReplay {
  readonly round: number;
  readonly attempt: number;
  readonly base: Digest;
  /** Where `round.offered` stands; null while the round gathers. */
  offered: {
    readonly ref: string;
    readonly index: number;
    readonly sequence: number;
    readonly origin: string;
    readonly at: number;
  } | null;
  participants: readonly SiteName[];
  readonly committed: CoordinatorEntryOf<'update.committed'>[];
  /** Who was dropped, by the machine's own account. */
  dropped: Readonly<Record<string, string>>;
  outcome: 'open' | 'published' | 'abandoned';
  published: { readonly entry: string; readonly index: number; readonly model: Digest } | null;
  contributors: readonly SiteName[];
}

/**
 * A run's entries, fed one by one to the same two state machines that the coordinator uses (`libs/round`). Every entry
 * that the machines refuse is a finding, and so is every claim (participants, contributors, models, outcomes) that
 * differs from what the machines derive. What the machines do by themselves needs no entry of its own.
 */
export class RunReplay {
  readonly rounds: RoundReplay[] = [];
  readonly terms: RunTerms;
  run: Run = startRun();
  /** The newest global model. */
  model: Digest;
  ended: CoordinatorEntryOf<'run.ended'> | null = null;
  #round: Round | null = null;

  constructor(
    readonly started: CoordinatorEntryOf<'run.started'>,
    readonly plan: SignedPlan,
    private readonly findings: Findings,
  ) {
    const { count, minSites, maxAttempts } = plan.rounds;
    this.terms = { sites: plan.sites, minSites, rounds: count, maxAttempts };
    this.model = started.model;
  }

  /** The round that the log leaves open, if any: what concerns it may still be on its way. */
  get openRound(): RoundReplay | undefined {
    return this.ended ? undefined : this.rounds.find(({ outcome }) => outcome === 'open');
  }

  apply(entry: RunEntry): void {
    if (this.ended) return this.#refuse(entry, 'nothing after the end of the run', entry.type);
    switch (entry.type) {
      case 'run.started':
        return this.#refuse(entry, 'one start of a run', 'a second one');
      case 'run.steered':
        return this.#steer(entry);
      case 'plan.decided':
        return this.#stepRun(entry, { type: entry.approved ? 'plan-approved' : 'plan-rejected', site: entry.site });
      case 'plan.withdrawn':
        return this.#withdraw(entry);
      case 'round.started':
        return this.#startRound(entry);
      case 'site.joined':
        return void this.#stepRound(entry, { type: 'site-joined', site: entry.site });
      case 'round.offered':
        return this.#offer(entry);
      case 'update.committed':
        if (this.#stepRound(entry, { type: 'update-committed', site: entry.site }))
          this.#current!.committed.push(entry);
        return;
      case 'site.dropped':
        return this.#drop(entry);
      case 'round.deadline':
        return void this.#stepRound(entry, { type: 'deadline-passed' });
      case 'aggregate.published':
        return this.#publish(entry);
      case 'round.abandoned':
        return this.#abandon(entry);
      case 'evaluation.offered':
        if (this.run.phase !== 'evaluation') return this.#refuse(entry, 'a run in its evaluation', this.run.phase);
        return this.#sameModel(entry, entry.model);
      case 'evaluation.received':
        this.#sameModel(entry, entry.model);
        return this.#stepRun(entry, { type: 'evaluation-received', site: entry.site });
      case 'run.ended':
        return this.#end(entry);
    }
  }

  get #current(): RoundReplay | undefined {
    return this.rounds.at(-1);
  }

  #steer(entry: CoordinatorEntryOf<'run.steered'>): void {
    const type = ({ pause: 'paused', resume: 'resumed', cancel: 'cancelled' } as const)[entry.action];
    this.#stepRun(entry, { type });
  }

  #withdraw(entry: CoordinatorEntryOf<'plan.withdrawn'>): void {
    const training = this.run.phase === 'training';
    this.#stepRun(entry, { type: 'plan-withdrawn', site: entry.site });
    // An update that is being aggregated stays in: the machine refuses, which is no fault of the log.
    if (training && this.run.phase === 'training') this.#moveRound({ type: 'site-withdrew', site: entry.site });
  }

  #startRound(entry: CoordinatorEntryOf<'round.started'>): void {
    const { run } = this;
    if (run.phase !== 'training') return this.#refuse(entry, 'a run in training', run.phase);
    const due = `round ${run.round}, attempt ${run.attempt}`;
    const came = `round ${entry.round}, attempt ${entry.attempt}`;
    if (due !== came) return this.#refuse(entry, due, came);
    if (this.#current?.round === entry.round && this.#current.attempt === entry.attempt)
      return this.#refuse(entry, `one start of ${due}`, 'a second one');
    this.#sameModel(entry, entry.model);
    this.#round = startRound();
    this.rounds.push({
      round: entry.round,
      attempt: entry.attempt,
      base: entry.model,
      offered: null,
      participants: [],
      committed: [],
      dropped: {},
      outcome: 'open',
      published: null,
      contributors: [],
    });
  }

  #offer(entry: CoordinatorEntryOf<'round.offered'>): void {
    if (!this.#isCurrent(entry)) return;
    this.#sameModel(entry, entry.model);
    if (entry.plan !== this.started.plan)
      this.findings.add('PLAN_INVALID', entry.ref, `plan ${this.started.plan}`, `plan ${entry.plan}`);
    const state = this.#round;
    if (state?.phase !== 'reporting' || this.#current!.offered)
      return this.#refuse(
        entry,
        'a round that was just filled',
        this.#current!.offered ? 'a second offer' : phaseOf(state),
      );
    const { ref, index, sequence, origin, at } = entry;
    Object.assign(this.#current!, { offered: { ref, index, sequence, origin, at }, participants: entry.participants });
    this.#sameNames(entry, state.participants, entry.participants);
  }

  #drop(entry: CoordinatorEntryOf<'site.dropped'>): void {
    if (!this.#isCurrent(entry)) return;
    const { site } = entry;
    const reason = entry.reason as DropReason;
    // A deadline or a withdrawal drops by itself; telling each site by name is allowed, and must be true.
    const derived =
      (reason === 'deadline-passed' && this.#current!.dropped[site] === reason) ||
      (reason === 'withdrawn' && 'approved' in this.run && !this.run.approved.includes(site));
    if (!derived) this.#stepRound(entry, { type: 'site-dropped', site, reason });
  }

  #publish(entry: CoordinatorEntryOf<'aggregate.published'>): void {
    if (!this.#stepRound(entry, { type: 'model-published', modelDigest: entry.model })) return;
    const round = this.#current!;
    this.#sameNames(entry, round.contributors, entry.contributors);
    round.outcome = 'published';
    round.published = { entry: entry.ref, index: entry.index, model: entry.model };
    this.model = entry.model;
    this.#stepRun(entry, { type: 'round-published', modelDigest: entry.model });
  }

  #abandon(entry: CoordinatorEntryOf<'round.abandoned'>): void {
    if (!this.#isCurrent(entry)) return;
    const round = this.#current!;
    if (entry.reason === 'aggregation-failed') this.#moveRound({ type: 'aggregation-failed' });
    if (entry.reason === 'stopped') this.#moveRound({ type: 'stopped' });
    const state = this.#round;
    if (state?.phase !== 'abandoned' || round.outcome !== 'open')
      return this.#refuse(entry, phaseOf(state), `abandoned: ${entry.reason}`);
    if (state.reason !== entry.reason) this.#refuse(entry, `abandoned: ${state.reason}`, `abandoned: ${entry.reason}`);
    round.outcome = 'abandoned';
    // A stop is the run's own doing and costs it no attempt.
    if (entry.reason !== 'stopped') this.#stepRun(entry, { type: 'round-abandoned' });
  }

  #end(entry: CoordinatorEntryOf<'run.ended'>): void {
    this.ended = entry;
    // The evaluation's deadline has no entry of its own: the end says that it passed.
    if (this.run.phase === 'evaluation') this.#stepRun(entry, { type: 'evaluation-deadline-passed' });
    const { run } = this;
    const model = run.phase === 'finished' ? run.modelDigest : null;
    const due = `${run.phase}, model ${model ?? 'none'}`;
    const came = `${entry.outcome}, model ${entry.model ?? 'none'}`;
    if (due !== came) this.findings.add('OUTCOME_DIFFERS', entry.ref, due, came);
    if (run.phase === 'failed' && entry.code !== run.code)
      this.findings.add('OUTCOME_DIFFERS', entry.ref, run.code, entry.code ?? 'no code');
  }

  #stepRun(entry: RunEntry, event: RunEvent): void {
    const stepped = stepRun(this.run, event, this.terms);
    if ('refused' in stepped) return this.#refuse(entry, `a run that allows ${event.type}`, stepped.refused);
    this.run = stepped.run;
    // The round under way stops with it; its own entry follows and is compared then.
    if (stepped.effects.includes('stop-round')) this.#moveRound({ type: 'stopped' });
  }

  /** Whether the round took the event; a refusal is a finding. */
  #stepRound(entry: RunEntry & { round: number; attempt: number }, event: RoundEvent): boolean {
    if (!this.#isCurrent(entry)) return false;
    const refused = this.#moveRound(event);
    if (refused) this.#refuse(entry, `a round that allows ${event.type}`, refused);
    return !refused;
  }

  #moveRound(event: RoundEvent): string | undefined {
    if (!this.#round || !this.#current) return 'no round';
    const sites = 'approved' in this.run ? this.run.approved : this.terms.sites;
    const stepped = step(this.#round, event, { sites, minSites: this.terms.minSites });
    if ('refused' in stepped) return stepped.refused;
    this.#round = stepped.round;
    if ('dropped' in stepped.round) this.#current.dropped = stepped.round.dropped;
    if ('contributors' in stepped.round) this.#current.contributors = stepped.round.contributors;
    return undefined;
  }

  #isCurrent(entry: RunEntry & { round: number; attempt: number }): boolean {
    const current = this.#current;
    const same = current?.round === entry.round && current.attempt === entry.attempt;
    if (!same) {
      const due = current ? `round ${current.round}, attempt ${current.attempt}` : 'no round yet';
      this.#refuse(entry, due, `round ${entry.round}, attempt ${entry.attempt}`);
    }
    return same;
  }

  #sameModel(entry: RunEntry, model: Digest): void {
    if (model !== this.model) this.findings.add('MODEL_CHAIN_BROKEN', entry.ref, this.model, model);
  }

  #sameNames(entry: RunEntry, due: readonly string[], came: readonly string[]): void {
    const [expected, found] = [[...due].sort().join(' '), [...came].sort().join(' ')];
    if (expected !== found)
      this.findings.add('PARTICIPANTS_DIFFER', entry.ref, expected || 'nobody', found || 'nobody');
  }

  #refuse(entry: RunEntry, expected: string, found: string): void {
    this.findings.add('TRANSITION_REFUSED', entry.ref, expected, found);
  }
}

const phaseOf = (round: Round | null): string => round?.phase ?? 'no round';
