import { isRunOver, parsePlan, startRun, type Plan } from '@consilium/round';
import { Fault, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { manifestOf } from '@consilium/model';
import type { PlanRecord, RunRecord } from '../records.js';
import { ActiveRun } from './active-run.js';
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
    for (const run of unfinished) await this.#take(run, await this.#termsOf(run.planDigest));
    // Uploads of runs that ended while their removal was cut short.
    for (const run of await spool.runs()) if (!this.#active.has(run)) await spool.discard(run);
  }

  /** Starts a run of this plan: makes its initial model and offers the plan to its sites. */
  async start(planDigest: Digest): Promise<RunRecord> {
    if (this.#active.size >= ACTIVE_MAX) throw new Fault('OVERLOADED', { runsMax: ACTIVE_MAX });
    const { arithmetic, models, runs, clock, log } = this.world;
    const terms = await this.#termsOf(planDigest);
    const model = await arithmetic.initialise(terms.plan.model, terms.plan.seed);
    const run: RunRecord = {
      id: mintRunId(clock.now()),
      planDigest,
      revision: 1,
      state: startRun(),
      modelDigest: await models.put(model),
      deadlineMs: null,
      standings: {},
      createdMs: clock.now(),
      endedMs: null,
    };
    await runs.create(run);
    log.info({ run: run.id, study: terms.plan.study, planDigest }, 'run created');
    await this.#take(run, terms);
    return this.find(run.id)?.course.run ?? run;
  }

  /** RUN_TRANSITION_REFUSED when the run's phase does not allow it, NOT_FOUND for no such run. */
  async steer(id: RunId, steering: Steering): Promise<void> {
    const active = this.find(id);
    if (!active) {
      const ended = await this.world.runs.find(id);
      throw ended
        ? new Fault('RUN_TRANSITION_REFUSED', { state: ended.state.phase })
        : new Fault('NOT_FOUND', { run: id });
    }
    const { phase } = active.course.run.state;
    const fed = await active.feed({ of: 'run', event: { type: STEERING[steering] } });
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

  async #termsOf(planDigest: Digest): Promise<OfferTerms> {
    const record = await this.world.studies.findPlan(planDigest);
    if (!record) throw new Fault('NOT_FOUND', { planDigest });
    const plan = planOf(record);
    return { record, plan, manifest: manifestOf(plan.model) };
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
