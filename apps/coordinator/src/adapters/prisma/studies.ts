import { Fault, type Digest, type StudyName } from '@consilium/stdx';
import type { Prisma, PrismaClient } from '../../generated/client.js';
import type { LedgerRow, SiteStore, StudyStore } from '../../ports.js';
import type { PlanRecord, SiteRecord, StudyRecord } from '../../records.js';
import { isSameStudy } from '../same-study.js';
import { appendRows } from './ledger.js';
import { isMissing, isTaken } from './prisma-errors.js';
import { planOf, planRow, siteOf, siteRow, studyOf, studyRow } from './rows.js';

export class PrismaSiteStore implements SiteStore {
  constructor(private readonly prisma: PrismaClient) {}

  async seen(site: SiteRecord): Promise<void> {
    const row = siteRow(site);
    await this.prisma.site.upsert({ where: { name: row.name }, create: row, update: row });
  }

  async list(): Promise<readonly SiteRecord[]> {
    // Sorted here and not by the database, whose collation may ignore hyphens.
    return (await this.prisma.site.findMany()).map(siteOf).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

export class PrismaStudyStore implements StudyStore {
  constructor(private readonly prisma: PrismaClient) {}

  async create(study: StudyRecord, events: readonly LedgerRow[] = []): Promise<StudyRecord> {
    // The name decides who was first, also between two requests at once; what they say is compared afterwards.
    await this.#unlessThere(this.prisma.study.create({ data: studyRow(study) }), events);
    const stored = studyOf(await this.prisma.study.findUniqueOrThrow({ where: { name: study.name } }));
    if (!isSameStudy(stored, study)) throw new Fault('ALREADY_EXISTS', { study: study.name });
    return stored;
  }

  async find(name: StudyName): Promise<StudyRecord | undefined> {
    const row = await this.prisma.study.findUnique({ where: { name } });
    return row ? studyOf(row) : undefined;
  }

  async list(): Promise<readonly StudyRecord[]> {
    return (await this.prisma.study.findMany({ orderBy: [{ createdAt: 'desc' }, { name: 'asc' }] })).map(studyOf);
  }

  async createPlan(plan: PlanRecord, events: readonly LedgerRow[] = []): Promise<PlanRecord> {
    await this.#unlessThere(this.prisma.plan.create({ data: planRow(plan) }), events);
    return planOf(await this.prisma.plan.findUniqueOrThrow({ where: { digest: plan.digest } }));
  }

  async signPlan(plan: PlanRecord, before: string | null, events: readonly LedgerRow[]): Promise<boolean> {
    const { digest, envelope } = plan;
    try {
      await this.prisma.$transaction([
        this.prisma.plan.update({ where: { digest, envelope: before }, data: { envelope }, select: { digest: true } }),
        appendRows(this.prisma, events),
      ]);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async findPlan(digest: Digest): Promise<PlanRecord | undefined> {
    const row = await this.prisma.plan.findUnique({ where: { digest } });
    return row ? planOf(row) : undefined;
  }

  async plans(study: StudyName): Promise<readonly PlanRecord[]> {
    const orderBy = [{ createdAt: 'desc' as const }, { digest: 'asc' as const }];
    return (await this.prisma.plan.findMany({ where: { studyName: study }, orderBy })).map(planOf);
  }

  /** Creates a row with what the ledger says about it; one that is there stays as it is, and nothing is said again. */
  async #unlessThere(create: Prisma.PrismaPromise<unknown>, events: readonly LedgerRow[]): Promise<void> {
    try {
      await this.prisma.$transaction([create, appendRows(this.prisma, events)]);
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }
}
