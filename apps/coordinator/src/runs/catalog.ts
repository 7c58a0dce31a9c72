import { Fault, type RunId, type SiteName } from '@consilium/stdx';
import type { RunQuery, RunStore, StudyStore } from '../ports.js';
import type { RunRecord } from '../records.js';
import { planOf, type Conductor } from './conductor.js';
import type { RunSummaryView, RunView } from './shapes.js';
import { runSummary, runView, type RunFile } from './views.js';

/** Pictures of runs for people: of those under way from memory, of those that ended from the store. */
export class RunCatalog {
  constructor(
    private readonly parts: {
      readonly conductor: Conductor;
      readonly runs: RunStore;
      readonly studies: StudyStore;
      readonly sessions: { readonly connected: ReadonlySet<SiteName> };
    },
  ) {}

  /** NOT_FOUND for no such run. */
  async show(id: RunId): Promise<RunView> {
    return runView(this.#fromMemory(id) ?? (await this.#fromStore(id)), this.parts.sessions.connected);
  }

  /** The run if it is under way, without asking the store. */
  showActive(id: RunId): RunView | undefined {
    const file = this.#fromMemory(id);
    return file && runView(file, this.parts.sessions.connected);
  }

  async list(query: RunQuery): Promise<readonly RunSummaryView[]> {
    const runs = await this.parts.runs.list(query);
    return Promise.all(runs.map((run) => this.#summary(run)));
  }

  async #summary(stored: RunRecord): Promise<RunSummaryView> {
    const file = this.#fromMemory(stored.id);
    if (file) return runSummary(file.run, file.plan, file.rounds.at(-1));
    const { run, plan, rounds } = await this.#fileOf(stored);
    return runSummary(run, plan, rounds.at(-1));
  }

  #fromMemory(id: RunId): RunFile | undefined {
    const active = this.parts.conductor.find(id);
    if (!active) return undefined;
    const { course, terms, rounds, evaluations, board } = active;
    return { run: course.run, plan: terms.plan, rounds, evaluations, board };
  }

  async #fromStore(id: RunId): Promise<RunFile> {
    const run = await this.parts.runs.find(id);
    if (!run) throw new Fault('NOT_FOUND', { run: id });
    return this.#fileOf(run);
  }

  async #fileOf(run: RunRecord): Promise<RunFile> {
    const { runs, studies } = this.parts;
    const record = await studies.findPlan(run.planDigest);
    if (!record) throw new Fault('STATE_UNREADABLE', { run: run.id, missing: 'plan' });
    const [rounds, evaluations] = await Promise.all([runs.rounds(run.id), runs.evaluations(run.id)]);
    return { run, plan: planOf(record), rounds, evaluations };
  }
}
