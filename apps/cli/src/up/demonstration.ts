import { join } from 'node:path';
import type { Plan } from '@consilium/round';
import { digest, Fault, invariant, type Clock } from '@consilium/stdx';
import type { Coordinator } from '../api/coordinator.js';
import type { Run } from '../api/shapes.js';
import { writeFileWhole } from '../files.js';
import { getModel } from '../model/get.js';
import { endedWithout, followWith } from '../run/watch.js';
import type { Terminal } from '../terminal.js';
import { count, duration } from '../text/numbers.js';
import type { Step, StepView } from '../view/steps.js';
import { auditRun, type Audit } from './audit.js';
import { baselineBoard } from './baseline-board.js';
import { runBaselines, type Baselines } from './baselines.js';
import type { DataFolders } from './data.js';
import type { Federation } from './federation.js';
import type { Layout } from './layout.js';
import type { UpOptions } from './options.js';
import { studyFor } from './planning.js';
import type { ProgramCommand } from './program-command.js';
import { resultOf, type UpResult } from './result.js';
import { Startup } from './startup.js';
import { openRun } from './the-run.js';
import { handled, orStopped } from './waiting.js';

export interface Setting {
  readonly options: UpOptions;
  readonly plan: Plan;
  /** The study's own words, as its template has them. */
  readonly study: { readonly title: string; readonly purpose: string };
  readonly folders: DataFolders;
  /** Names the comparison's results: they belong to this plan, these images, this engine and this release. */
  readonly comparison: string;
  readonly layout: Layout;
  readonly federation: Federation;
  readonly programCommand: ProgramCommand;
  readonly say: (line: string) => void;
  readonly clock: Clock;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** The supervisor decides when the coordinator was away for too long, so whoever follows the run has more patience than it. */
const PATIENT = { patienceMs: 600_000 };

/** `consilium up` as steps, in the order in which a person is told of them. */
export class Demonstration {
  readonly #startup: Startup;
  readonly #beganMs: number;
  #coordinator: Coordinator | undefined;
  #opening: Promise<{ id: string; resumed: boolean }> | undefined;
  #opened: { id: string; resumed: boolean } | undefined;
  #run: Run | undefined;
  #baselines: Baselines | undefined;
  #audit: Audit | undefined;
  #engine: string | undefined;
  #secondsToFirstRound: number | null = null;

  constructor(private readonly given: Setting) {
    const { study, federation: federationName, sites } = given.plan;
    this.#beganMs = given.clock.monotonic();
    this.#startup = new Startup({ ...given, study, federationName, sites });
  }

  get steps(): Step[] {
    return [
      { title: 'Keys', run: () => this.#startup.begin() },
      { title: 'Coordinator', run: (view) => this.#connect(view) },
      { title: 'Enrolment', run: (view) => this.#enrolment(view) },
      { title: 'Hospitals', run: (view) => this.#startup.hospitals(view) },
      { title: 'Approval', run: () => this.#approval() },
      { title: 'Training', run: (view) => this.#training(view) },
      { title: 'Comparison', run: (view) => this.#comparison(view) },
      { title: 'Audit', run: () => this.#auditing() },
    ];
  }

  /** What the auditor has found, once the steps are done. */
  get audit(): Audit {
    invariant(this.#audit, 'the audit is made before it is told');
    return this.#audit;
  }

  /** The published model, once the steps are done. */
  get modelFile(): string {
    const { layout, plan } = this.given;
    return join(layout.models, `${plan.study}-${this.#finished().modelDigest.slice(0, 12)}.safetensors`);
  }

  async result(): Promise<UpResult> {
    const { options, plan, federation } = this.given;
    invariant(this.#baselines, 'the comparison is made before the result');
    return resultOf(this.#finished(), this.#baselines, this.audit, {
      study: plan.study,
      seed: options.seed,
      engine: this.#engine ?? options.engine,
      secondsToFirstRound: this.#secondsToFirstRound,
      seconds: this.#seconds(),
      coordinatorPeakRssBytes: await federation.coordinatorPeakRssBytes(),
    });
  }

  /** Since `up` began; installing and building, which `npm start` may have done before, do not count. */
  #seconds(): number {
    return (this.given.clock.monotonic() - this.#beganMs) / 1000;
  }

  async #connect(view: StepView): Promise<string> {
    this.#coordinator = await this.#startup.coordinator(view);
    return `Coordinator: serves ${this.given.federation.url}`;
  }

  /** The plan needs the sites’ keys and not their agents, so it is signed and offered while those still start. */
  async #enrolment(view: StepView): Promise<string> {
    const { plan, study, clock, say } = this.given;
    const enrolled = await this.#startup.enrolment(view);
    const terms = { draft: plan, study: studyFor(plan, study), sign: () => this.#sign(plan) };
    this.#opening = handled(openRun(this.#theCoordinator(), terms, clock, say));
    return enrolled;
  }

  async #approval(): Promise<string> {
    this.#opened = await orStopped(this.#opening!, this.given.signal);
    for await (const run of this.#theCoordinator().follow(this.#opened.id, PATIENT)) {
      this.#run = run;
      if (run.state !== 'approval') break;
    }
    return 'Approval: automatic in this demonstration; a hospital decides itself';
  }

  /** In earnest two people do this, each where their own key is. */
  async #sign(draft: Plan): Promise<string> {
    const { layout, say } = this.given;
    const [{ signedPlan }, { personsKey }] = await Promise.all([import('./signed-plan.js'), import('./founding.js')]);
    const [proposer, admin] = await Promise.all([personsKey(layout, 'proposer'), personsKey(layout, 'admin')]);
    const digest = await signedPlan(this.#theCoordinator(), draft, { proposer, admin });
    say(`plan ${digest.slice(0, 12)} is signed by the proposer and by the admin`);
    return digest;
  }

  async #training(view: StepView): Promise<string> {
    const { terminal, clock } = this.given;
    const { id, resumed } = this.#opened!;
    const publishedBefore = resumed ? published(this.#run) : 0;
    const run = await followWith(this.#theCoordinator().follow(id, PATIENT), terminal, view, this.#run, (now) => {
      if (published(now) === publishedBefore) return;
      this.#secondsToFirstRound ??= this.#seconds();
      this.#startup.beginRestOfImages();
    });
    this.#run = run;
    if (run.state !== 'finished') throw endedWithout(run);
    // The run is older than its first round: it waited for the hospitals’ agents.
    const beganMs = run.history[0]?.startedMs ?? run.createdMs;
    return `Training: ${count(run.rounds, 'round')} in ${duration((run.endedMs ?? clock.now()) - beganMs)}`;
  }

  /** The images of all hospitals meet on this machine alone, where they were made for the purpose. */
  async #comparison(view: StepView): Promise<string> {
    const { layout, plan, options, folders, comparison, programCommand, say, clock, terminal } = this.given;
    const { engine, sandbox } = options;
    const { modelDigest } = this.#finished();
    await this.#startup.restOfImages();
    await getModel(this.#theCoordinator(), digest(modelDigest), this.modelFile);
    const cache = join(layout.baselines, comparison);
    const planFile = join(cache, 'plan.json');
    await writeFileWhole(planFile, `${JSON.stringify(plan)}\n`);
    const began = clock.monotonic();
    const asked = this.#askEngine(plan.sites[0]!);
    this.#baselines = await runBaselines(
      { sites: plan.sites, folders, planFile, modelFile: this.modelFile, modelDigest, engine, sandbox },
      cache,
      ({ name, title, args }, onLine) =>
        programCommand({ program: 'agent', name: title, log: name, args }, say, { onLine }),
      (jobs) =>
        view.show(
          baselineBoard(jobs, { width: view.width(), usedMs: clock.monotonic() - began, paint: terminal.paint }),
        ),
    );
    this.#engine = await asked;
    return 'Comparison: same model, same number of steps, other images';
  }

  /** By a program that reads nothing but the evidence, while all others go on serving. */
  async #auditing(): Promise<string> {
    const { layout, programCommand, say } = this.given;
    this.#audit = await auditRun(this.#finished().id, { layout, programCommand, say });
    const { verdict, summary } = this.#audit.report;
    if (verdict === 'pass') await (await import('./policy.js')).rememberCheckpoints(layout, summary.logs);
    return `Audit: ${verdict}`;
  }

  /** Which engine `auto` came to, as a site's agent says; the same on every agent of one machine. */
  async #askEngine(site: string): Promise<string | undefined> {
    const { programCommand, layout } = this.given;
    const args = ['status', '--settings', layout.siteSettings(site), '--json'];
    try {
      return engineOf(
        await programCommand({ program: 'agent', name: `status of ${site}`, log: 'status', args }, () => {}),
      );
    } catch (error) {
      // An agent that is just being started again has no answer; then the result names what was asked for.
      if (Fault.is(error)) return undefined;
      throw error;
    }
  }

  #theCoordinator(): Coordinator {
    invariant(this.#coordinator, 'the coordinator is connected before it is asked');
    return this.#coordinator;
  }

  #finished(): Run & { modelDigest: string } {
    const run = this.#run;
    invariant(run?.state === 'finished' && run.modelDigest !== null, 'a run that finished has a model');
    return { ...run, modelDigest: run.modelDigest };
  }
}

const engineOf = (status: unknown): string | undefined => {
  const name = (status as { engine?: { name?: unknown } } | undefined)?.engine?.name;
  return typeof name === 'string' ? name : undefined;
};

const published = (run: Run | undefined): number =>
  run?.history.filter((pass) => pass.outcome === 'published').length ?? 0;
