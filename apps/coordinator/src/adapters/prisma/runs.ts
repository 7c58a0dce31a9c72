import { Fault, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { Prisma, type PrismaClient } from '../../generated/client.js';
import type { LedgerRow, Registry, RunCommit, RunQuery, RunStore } from '../../ports.js';
import type { EvaluationRecord, ModelVersionRecord, RoundRecord, RunRecord, UpdateRecord } from '../../records.js';
import { appendRows } from './ledger.js';
import {
  evaluationOf,
  evaluationRow,
  roundOf,
  roundRow,
  runOf,
  runRow,
  updateOf,
  updateRow,
  versionOf,
  versionRow,
} from './rows.js';

export class PrismaRunStore implements RunStore {
  constructor(private readonly prisma: PrismaClient) {}

  async create(run: RunRecord, events: readonly LedgerRow[] = []): Promise<void> {
    await this.prisma.$transaction([
      this.prisma.run.create({ data: runRow(run) }),
      ...(events.length ? [appendRows(this.prisma, events)] : []),
    ]);
  }

  async commit(change: RunCommit): Promise<void> {
    try {
      await this.prisma.$transaction(this.#writes(change));
    } catch (error) {
      if (isNotFound(error)) throw new Fault('STATE_LOCKED', { run: change.run.id }, error);
      throw error;
    }
  }

  /** The run first: its revision is the guard, and without its row the transaction ends there. */
  #writes({ run, events = [], rounds = [], update, evaluation, version }: RunCommit): Prisma.PrismaPromise<unknown>[] {
    const { prisma } = this;
    const writes: Prisma.PrismaPromise<unknown>[] = [
      prisma.run.update({ where: { id: run.id, revision: run.revision - 1 }, data: runRow(run), select: { id: true } }),
    ];
    for (const round of rounds) {
      const row = roundRow(round);
      const runId_number_attempt = { runId: round.run, number: round.number, attempt: round.attempt };
      writes.push(prisma.round.upsert({ where: { runId_number_attempt }, create: row, update: row }));
    }
    if (update) writes.push(prisma.update.create({ data: updateRow(update) }));
    if (evaluation) writes.push(prisma.evaluation.create({ data: evaluationRow(evaluation) }));
    if (version) writes.push(prisma.modelVersion.create({ data: versionRow(version) }));
    if (events.length) writes.push(appendRows(prisma, events));
    return writes;
  }

  async find(run: RunId): Promise<RunRecord | undefined> {
    const row = await this.prisma.run.findUnique({ where: { id: run } });
    return row ? runOf(row) : undefined;
  }

  async list({ phases, study, limit }: RunQuery): Promise<readonly RunRecord[]> {
    const rows = await this.prisma.run.findMany({
      where: {
        ...(phases ? { phase: { in: [...phases] } } : {}),
        ...(study ? { plan: { studyName: study } } : {}),
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'asc' }],
      take: limit,
    });
    return rows.map(runOf);
  }

  async rounds(run: RunId): Promise<readonly RoundRecord[]> {
    const orderBy = [{ number: 'asc' as const }, { attempt: 'asc' as const }];
    return (await this.prisma.round.findMany({ where: { runId: run }, orderBy })).map(roundOf);
  }

  async updates(run: RunId): Promise<readonly UpdateRecord[]> {
    const updates = (await this.prisma.update.findMany({ where: { runId: run } })).map(updateOf);
    return updates.sort((a, b) => a.number - b.number || a.attempt - b.attempt || bySite(a, b));
  }

  async findUpdate(run: RunId, number: number, attempt: number, site: SiteName): Promise<UpdateRecord | undefined> {
    const runId_number_attempt_site = { runId: run, number, attempt, site };
    const row = await this.prisma.update.findUnique({ where: { runId_number_attempt_site } });
    return row ? updateOf(row) : undefined;
  }

  async evaluations(run: RunId): Promise<readonly EvaluationRecord[]> {
    return (await this.prisma.evaluation.findMany({ where: { runId: run } })).map(evaluationOf).sort(bySite);
  }
}

export class PrismaRegistry implements Registry {
  constructor(private readonly prisma: PrismaClient) {}

  async list(): Promise<readonly ModelVersionRecord[]> {
    return (await this.prisma.modelVersion.findMany({ orderBy: NEWEST_FIRST })).map(versionOf);
  }

  async find(digest: Digest): Promise<ModelVersionRecord | undefined> {
    const row = await this.prisma.modelVersion.findFirst({ where: { digest }, orderBy: NEWEST_FIRST });
    return row ? versionOf(row) : undefined;
  }
}

const NEWEST_FIRST: Prisma.ModelVersionOrderByWithRelationInput[] = [{ createdAt: 'desc' }, { runId: 'asc' }];

/** By code unit, as everywhere; the database's collation may ignore hyphens. */
const bySite = (a: { readonly site: SiteName }, b: { readonly site: SiteName }): number => (a.site < b.site ? -1 : 1);

/** Prisma's P2025: the row that an update needs is not there. */
const isNotFound = (error: unknown): boolean =>
  error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2025';
