import { isRunOver, parsePlan, requireSignedTerms, startRun, type Plan } from '@consilium/round';
import { Fault, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { manifestOf } from '@consilium/model';
import type { PlanRecord, RunRecord } from '../records.js';
import { ActiveRun } from './active-run.js';
import type { PersonId } from '../people/person-id.js';
import type { OfferTerms } from './offers.js';
import { mintRunId } from './run-id.js';
import type { RunWorld } from './world.js';

/** Runs that may be under way at one time. */
const ACTIVE_MAX = 100;

const STEERING = { pause: 'paused', resume: 'resumed', cancel: 'cancelled' } as const;
export type Steering = keyof typeof STEERING;

/** All runs under way. Events find their run here; what a run does about them is in {@link ActiveRun}. */
export class Conductor {
  readonly #active = new Map<RunId, ActiveRun>();

  constructor(private readonly world: RunWorld) {}

  /** Takes up every unfinished run where the store says it is. Called once, before sites can connect. */
  async resume(): Promise<void> {
    const { runs, spool } = this.world;
    const unfinished = await runs.list({ phases: ['approval', 'training', 'evaluation', 'paused'], limit: ACTIVE_MAX });
    for (const run of unfinished) {
      const terms = await this.#termsOf(run);
      if (terms) await this.#take(run, terms);
      else await this.#endUnsigned(run);
    }
    // Uploads of runs that ended while their removal was cut short.
    for (const run of await spool.runs()) if (!this.#active.has(run)) await spool.discard(run);
  }

  /** Starts a run of this plan: makes its initial model and offers the plan to its sites. Faults as {@link RunWorld.clear}. */
  async start(planDigest: Digest, by: PersonId): Promise<RunRecord> {
    if (this.#active.size >= ACTIVE_MAX) throw new Fault('OVERLOADED', { runsMax: ACTIVE_MAX });
    const { arithmetic, models, runs, ledger, clock, log, clear } = this.world;
    const { record, plan, envelope, roster } = await clear(planDigest);
    const model = await models.put(await arithmetic.initialise(plan.model, plan.seed));
    const run: RunRecord = {
      id: mintRunId(clock.now()),
      planDigest,
      revision: 1,
      state: startRun(),
      modelDigest: model,
      deadlineMs: null,
      standings: {},
      createdMs: clock.now(),
      endedMs: null,
    };
    const started = { type: 'run.started', run: run.id, plan: planDigest, envelope, roster, model, by } as const;
    await runs.create(run, ledger.seal([started]));
    ledger.stored();
    log.info({ run: run.id, study: plan.study, planDigest }, 'run created');
    await this.#take(run, await this.#termsWith(record, { envelope, roster }));
    return this.find(run.id)?.course.run ?? run;
  }

  /** RUN_TRANSITION_REFUSED when the run's phase does not allow it, NOT_FOUND for no such run. */
  async steer(id: RunId, steering: Steering, by: PersonId): Promise<void> {
    const active = this.find(id);
    if (!active) {
      const ended = await this.world.runs.find(id);
      throw ended
        ? new Fault('RUN_TRANSITION_REFUSED', { state: ended.state.phase })
        : new Fault('NOT_FOUND', { run: id });
    }
    const { phase } = active.course.run.state;
    const fed = await active.feed({ of: 'run', event: { type: STEERING[steering] } }, { by });
    if (fed !== 'accepted') throw new Fault('RUN_TRANSITION_REFUSED', { state: phase });
  }

  find(run: RunId): ActiveRun | undefined {
    const active = this.#active.get(run);
    return active && !isRunOver(active.course.run.state) ? active : undefined;
  }

  all(): readonly ActiveRun[] {
    return [...this.#active.values()].filter(({ course }) => !isRunOver(course.run.state));
  }

  /** Offers the site everything that it owes. */
  async siteArrived(site: SiteName): Promise<void> {
    for (const active of this.all()) {
      if (active.terms.plan.sites.includes(site)) await active.siteArrived(site);
    }
  }

  /** The run for which this site is to fetch this model now. */
  downloading(site: SiteName, digest: Digest): ActiveRun | undefined {
    return this.all().find((active) => active.mayDownload(site, digest));
  }

  /** Drops ended runs from memory; the store has them. */
  forgetEnded(): void {
    for (const [id, { course }] of this.#active) if (isRunOver(course.run.state)) this.#active.delete(id);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#active.values()].map((active) => active.close()));
  }

  async #take(run: RunRecord, terms: OfferTerms): Promise<void> {
    this.forgetEnded();
    const { runs } = this.world;
    const rounds = await runs.rounds(run.id);
    const current = rounds.at(-1);
    const updates = (await runs.updates(run.id)).filter(
      ({ number, attempt }) => number === current?.number && attempt === current.attempt,
    );
    const history = { rounds, updates, evaluations: await runs.evaluations(run.id) };
    const active = new ActiveRun(run, terms, history, this.world);
    this.#active.set(run.id, active);
    await active.resume();
  }

  /** The terms of a run that was started before, with the very documents that its sites were shown first. */
  async #termsOf({ id, planDigest }: RunRecord): Promise<OfferTerms | undefined> {
    const { studies, startedWith } = this.world;
    const record = await studies.findPlan(planDigest);
    if (!record) throw new Fault('NOT_FOUND', { planDigest });
    planOf(record);
    const documents = await startedWith(id);
    return documents && this.#termsWith(record, documents);
  }

  /** A release that had no signatures began it: no site would go on with it, and the ledger knows nothing of it. */
  async #endUnsigned(run: RunRecord): Promise<void> {
    const { runs, clock, log } = this.world;
    const state = { phase: 'failed', code: 'PLAN_INCOMPLETE' } as const;
    await runs.commit({ run: { ...run, revision: run.revision + 1, state, deadlineMs: null, endedMs: clock.now() } });
    log.warn({ run: run.id, state }, 'a run of an earlier release ended');
  }

  async #termsWith(
    record: PlanRecord,
    documents: { readonly envelope: Digest; readonly roster: Digest },
  ): Promise<OfferTerms> {
    const { ledger } = this.world;
    const plan = requireSignedTerms(planOf(record));
    const [envelope, roster] = await Promise.all([
      ledger.readDocument(documents.envelope),
      ledger.readDocument(documents.roster),
    ]);
    return { record, plan, manifest: manifestOf(plan.model), envelope, roster };
  }
}

/** The stored document as a plan. It was checked when it was proposed; STATE_UNREADABLE if this release cannot read it. */
export function planOf(record: PlanRecord): Plan {
  try {
    return parsePlan(JSON.parse(record.document));
  } catch (error) {
    throw new Fault('STATE_UNREADABLE', { planDigest: record.digest }, error);
  }
}
