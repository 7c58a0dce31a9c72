import type { CoordinatorEvent } from '@consilium/ledger';
import {
  startRound,
  startRun,
  step,
  stepRun,
  type Round,
  type RoundEvent,
  type Run,
  type RunEvent,
} from '@consilium/round';
import type { RunTerms } from '@consilium/round';
import { expect } from 'vitest';

/**
 * What an auditor does with the entries of one run, written from the table in `events.ts` and from nothing else: feeds
 * the causes to the machines, and holds every consequence that is told against what the machines say.
 */
export class Replay {
  run: Run = startRun();
  round: Round | null = null;
  #pass = '';

  constructor(private readonly terms: RunTerms) {}

  static of(events: readonly CoordinatorEvent[], terms: RunTerms): Replay {
    const replay = new Replay(terms);
    for (const event of events) replay.take(event);
    return replay;
  }

  take(event: CoordinatorEvent): void {
    if ('round' in event && event.type !== 'round.started') expect(`${event.round}.${event.attempt}`).toBe(this.#pass);
    switch (event.type) {
      case 'run.started':
        return;
      case 'plan.decided':
        return this.#stepRun({ type: event.approved ? 'plan-approved' : 'plan-rejected', site: event.site });
      case 'plan.withdrawn': {
        const trained = this.run.phase === 'training';
        this.#stepRun({ type: 'plan-withdrawn', site: event.site });
        // It is too late for a round that is being averaged, and none of its business where it is not in it.
        if (trained && this.run.phase === 'training') this.#tryRound({ type: 'site-withdrew', site: event.site });
        return;
      }
      case 'run.steered':
        return this.#stepRun({
          type: ({ pause: 'paused', resume: 'resumed', cancel: 'cancelled' } as const)[event.action],
        });
      case 'round.started':
        expect(this.run).toMatchObject({ phase: 'training', round: event.round, attempt: event.attempt });
        this.#pass = `${event.round}.${event.attempt}`;
        this.round = startRound();
        return;
      case 'site.joined':
        return this.#stepRound({ type: 'site-joined', site: event.site });
      case 'site.dropped':
        return this.#stepRound({ type: 'site-dropped', site: event.site, reason: event.reason as 'refused' });
      case 'update.committed':
        return this.#stepRound({ type: 'update-committed', site: event.site });
      case 'round.deadline':
        return this.#stepRound({ type: 'deadline-passed' });
      case 'round.offered':
        expect(this.round).toEqual({ phase: 'reporting', participants: event.participants, reported: [], dropped: {} });
        return;
      case 'aggregate.published':
        this.#stepRound({ type: 'model-published', modelDigest: event.model });
        expect(this.round).toMatchObject({ phase: 'published', contributors: event.contributors });
        return this.#stepRun({ type: 'round-published', modelDigest: event.model });
      case 'round.abandoned':
        if (event.reason === 'aggregation-failed') this.#stepRound({ type: 'aggregation-failed' });
        expect(this.round).toEqual({ phase: 'abandoned', reason: event.reason });
        // A stop is the run's own doing and costs it no attempt.
        if (event.reason !== 'stopped') this.#stepRun({ type: 'round-abandoned' });
        return;
      case 'evaluation.offered':
        expect(this.run).toMatchObject({ phase: 'evaluation', modelDigest: event.model, evaluated: [] });
        return;
      case 'evaluation.received':
        return this.#stepRun({ type: 'evaluation-received', site: event.site });
      case 'run.ended':
        if (this.run.phase === 'evaluation') this.#stepRun({ type: 'evaluation-deadline-passed' });
        expect(this.run.phase).toBe(event.outcome);
        if (this.run.phase === 'finished') expect(event.model).toBe(this.run.modelDigest);
        if (this.run.phase === 'failed') expect(event.code).toBe(this.run.code);
        return;
      default:
        throw new Error(`${event.type} is no entry of a run`);
    }
  }

  #stepRun(event: RunEvent): void {
    const stepped = stepRun(this.run, event, this.terms);
    if ('refused' in stepped) throw new Error(`${event.type} refused: ${stepped.refused}`);
    this.run = stepped.run;
    if (stepped.effects.includes('stop-round')) this.#tryRound({ type: 'stopped' });
  }

  #stepRound(event: RoundEvent): void {
    const refused = this.#tryRound(event);
    if (refused) throw new Error(`${event.type} refused: ${refused}`);
  }

  #tryRound(event: RoundEvent): string | undefined {
    const sites = this.run.phase === 'training' ? this.run.approved : this.terms.sites;
    const stepped = step(this.round!, event, { sites, minSites: this.terms.minSites });
    if ('refused' in stepped) return stepped.refused;
    this.round = stepped.round;
    return undefined;
  }
}
