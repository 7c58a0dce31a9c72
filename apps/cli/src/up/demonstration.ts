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
import type { AgentCommand } from './agent-command.js';
import { baselineBoard } from './baseline-board.js';
import { runBaselines, type Baselines } from './baselines.js';
import type { DataFolders } from './data.js';
import type { Federation } from './federation.js';
import type { Layout } from './layout.js';
import type { UpOptions } from './options.js';
import { resultOf, type UpResult } from './result.js';
import { Startup } from './startup.js';
import { openRun } from './the-run.js';

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
  readonly agentCommand: AgentCommand;
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
  #opened: { id: string; resumed: boolean } | undefined;
  #run: Run | undefined;
  #baselines: Baselines | undefined;
  #engine: string | undefined;
  #secondsToFirstRound: number | null = null;

  constructor(private readonly given: Setting) {
    const { study, federation: federationName, sites } = given.plan;
    this.#beganMs = given.clock.monotonic();
    this.#startup = new Startup({ ...given, study, federationName, sites });
  }

  get steps(): Step[] {
    return [
      { title: 'Certificates', run: () => this.#startup.begin() },
      { title: 'Coordinator', run: (view) => this.#connect(view) },
      { title: 'Hospitals', run: (view) => this.#startup.hospitals(view) },
      { title: 'Approval', run: () => this.#approval() },
      { title: 'Training', run: (view) => this.#training(view) },
      { title: 'Comparison', run: (view) => this.#comparison(view) },
    ];
  }

  /** The published model, once the steps are done. */
  get modelFile(): string {
    const { layout, plan } = this.given;
    return join(layout.models, `${plan.study}-${this.#finished().modelDigest.slice(0, 12)}.safetensors`);
  }

  async result(): Promise<UpResult> {
    const { options, plan, federation } = this.given;
    invariant(this.#baselines, 'the comparison is made before the result');
    return resultOf(this.#finished(), this.#baselines, {
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

  async #approval(): Promise<string> {
    const { plan, study, clock, say } = this.given;
    const coordinator = this.#theCoordinator();
    this.#opened = await openRun(coordinator, plan, study, clock, say);
    for await (const run of coordinator.follow(this.#opened.id, PATIENT)) {
      this.#run = run;
      if (run.state !== 'approval') break;
    }
    return 'Approval: automatic in this demonstration; a hospital decides itself';
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
    return `Training: ${count(run.rounds, 'round')} in ${duration((run.endedMs ?? clock.now()) - run.createdMs)}`;
  }

  /** The images of all hospitals meet on this machine alone, where they were made for the purpose. */
  async #comparison(view: StepView): Promise<string> {
    const { layout, plan, options, folders, comparison, agentCommand, say, clock, terminal } = this.given;
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
      ({ name, title, args }, onLine) => agentCommand({ name: title, log: name, args }, say, onLine),
      (jobs) =>
        view.show(
          baselineBoard(jobs, { width: view.width(), usedMs: clock.monotonic() - began, paint: terminal.paint }),
        ),
    );
    this.#engine = await asked;
    return 'Comparison: same model, same number of steps, other images';
  }

  /** Which engine `auto` came to, as a site's agent says; the same on every agent of one machine. */
  async #askEngine(site: string): Promise<string | undefined> {
    const { agentCommand, layout } = this.given;
    const args = ['status', '--settings', layout.siteSettings(site), '--json'];
    try {
      return engineOf(await agentCommand({ name: `status of ${site}`, log: 'status', args }, () => {}));
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
