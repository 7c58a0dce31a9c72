import { Fault, invariant, type Digest, type RunId, type SiteName, type StudyName } from '@consilium/stdx';
import type { LedgerRow, Registry, RunCommit, RunQuery, RunStore, SiteStore, StudyStore } from '../../ports.js';
import type {
  EvaluationRecord,
  ModelVersionRecord,
  PlanRecord,
  RoundRecord,
  RunRecord,
  SiteRecord,
  StudyRecord,
  UpdateRecord,
} from '../../records.js';
import { isSameStudy } from '../same-study.js';
import { MemoryLedgerTables } from './ledger.js';

/** The tables that the memory stores share, as the real ones share a database. */
export class MemoryTables {
  readonly ledger = new MemoryLedgerTables();
  readonly sites = new Map<SiteName, SiteRecord>();
  readonly studies = new Map<StudyName, StudyRecord>();
  readonly plans = new Map<Digest, PlanRecord>();
  readonly runs = new Map<RunId, RunRecord>();
  readonly rounds = new Map<string, RoundRecord>();
  readonly updates = new Map<string, UpdateRecord>();
  readonly evaluations = new Map<string, EvaluationRecord>();
  readonly versions = new Map<RunId, ModelVersionRecord>();
}

export class MemorySiteStore implements SiteStore {
  constructor(private readonly tables: MemoryTables) {}

  async seen(site: SiteRecord): Promise<void> {
    this.tables.sites.set(site.name, site);
  }

  async list(): Promise<readonly SiteRecord[]> {
    return [...this.tables.sites.values()].sort(by(({ name }) => name));
  }
}

export class MemoryStudyStore implements StudyStore {
  constructor(private readonly tables: MemoryTables) {}

  async create(study: StudyRecord, events: readonly LedgerRow[] = []): Promise<StudyRecord> {
    const there = this.tables.studies.get(study.name);
    if (!there) {
      this.tables.ledger.append(events);
      this.tables.studies.set(study.name, study);
    } else if (!isSameStudy(there, study)) throw new Fault('ALREADY_EXISTS', { study: study.name });
    return there ?? study;
  }

  async find(name: StudyName): Promise<StudyRecord | undefined> {
    return this.tables.studies.get(name);
  }

  async list(): Promise<readonly StudyRecord[]> {
    return [...this.tables.studies.values()].sort(newestFirst(({ name }) => name));
  }

  async createPlan(plan: PlanRecord, events: readonly LedgerRow[] = []): Promise<PlanRecord> {
    const there = this.tables.plans.get(plan.digest);
    if (there) return there;
    this.tables.ledger.append(events);
    this.tables.plans.set(plan.digest, plan);
    return plan;
  }

  async signPlan(plan: PlanRecord, before: string | null, events: readonly LedgerRow[]): Promise<boolean> {
    if (this.tables.plans.get(plan.digest)?.envelope !== before) return false;
    this.tables.ledger.append(events);
    this.tables.plans.set(plan.digest, plan);
    return true;
  }

  async findPlan(digest: Digest): Promise<PlanRecord | undefined> {
    return this.tables.plans.get(digest);
  }

  async plans(study: StudyName): Promise<readonly PlanRecord[]> {
    const all = [...this.tables.plans.values()].filter((plan) => plan.study === study);
    return all.sort(newestFirst(({ digest }) => digest));
  }
}

export class MemoryRunStore implements RunStore {
  constructor(private readonly tables: MemoryTables) {}

  async create(run: RunRecord, events: readonly LedgerRow[] = []): Promise<void> {
    invariant(!this.tables.runs.has(run.id), 'a minted run id is new');
    this.tables.ledger.append(events);
    this.tables.runs.set(run.id, run);
  }

  async commit({ run, events = [], rounds = [], update, evaluation, version }: RunCommit): Promise<void> {
    if (this.tables.runs.get(run.id)?.revision !== run.revision - 1) throw new Fault('STATE_LOCKED', { run: run.id });
    const updateKey = update && keyOf(update.run, update.number, update.attempt, update.site);
    invariant(!updateKey || !this.tables.updates.has(updateKey), 'an update is committed once');
    this.tables.ledger.append(events);
    this.tables.runs.set(run.id, run);
    for (const round of rounds) this.tables.rounds.set(keyOf(round.run, round.number, round.attempt), round);
    if (update && updateKey) this.tables.updates.set(updateKey, update);
    if (evaluation) this.tables.evaluations.set(keyOf(evaluation.run, evaluation.site), evaluation);
    if (version) this.tables.versions.set(version.run, version);
  }

  async find(run: RunId): Promise<RunRecord | undefined> {
    return this.tables.runs.get(run);
  }

  async list({ phases, study, limit }: RunQuery): Promise<readonly RunRecord[]> {
    const wanted = [...this.tables.runs.values()].filter(
      (run) =>
        (!phases || phases.includes(run.state.phase)) &&
        (!study || this.tables.plans.get(run.planDigest)?.study === study),
    );
    return wanted.sort(newestFirst(({ id }) => id)).slice(0, limit);
  }

  async rounds(run: RunId): Promise<readonly RoundRecord[]> {
    const all = [...this.tables.rounds.values()].filter((round) => round.run === run);
    return all.sort((a, b) => a.number - b.number || a.attempt - b.attempt);
  }

  async updates(run: RunId): Promise<readonly UpdateRecord[]> {
    const all = [...this.tables.updates.values()].filter((update) => update.run === run);
    return all.sort(
      (a, b) => a.number - b.number || a.attempt - b.attempt || by<UpdateRecord>(({ site }) => site)(a, b),
    );
  }

  async findUpdate(run: RunId, number: number, attempt: number, site: SiteName): Promise<UpdateRecord | undefined> {
    return this.tables.updates.get(keyOf(run, number, attempt, site));
  }

  async evaluations(run: RunId): Promise<readonly EvaluationRecord[]> {
    return [...this.tables.evaluations.values()].filter((one) => one.run === run).sort(by(({ site }) => site));
  }
}

export class MemoryRegistry implements Registry {
  constructor(private readonly tables: MemoryTables) {}

  async list(): Promise<readonly ModelVersionRecord[]> {
    return [...this.tables.versions.values()].sort(newestFirst(({ run }) => run));
  }

  async find(digest: Digest): Promise<ModelVersionRecord | undefined> {
    return (await this.list()).find((version) => version.digest === digest);
  }
}

const keyOf = (...parts: readonly (string | number)[]): string => parts.join('/');

const by =
  <T>(key: (item: T) => string) =>
  (a: T, b: T): number =>
    key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;

/** Newest first; of one instant, by key, so that the order is always the same. */
const newestFirst =
  <T extends { readonly createdMs: number }>(key: (item: T) => string) =>
  (a: T, b: T): number =>
    b.createdMs - a.createdMs || by(key)(a, b);
