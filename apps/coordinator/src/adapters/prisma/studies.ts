import { Fault, type Digest, type StudyName } from '@consilium/stdx';
import type { PrismaClient } from '../../generated/client.js';
import type { SiteStore, StudyStore } from '../../ports.js';
import type { PlanRecord, SiteRecord, StudyRecord } from '../../records.js';
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

  async create(study: StudyRecord): Promise<StudyRecord> {
    // The name decides who was first, also between two requests at once; what they say is compared afterwards.
    await this.prisma.study.createMany({ data: studyRow(study), skipDuplicates: true });
    const stored = studyOf(await this.prisma.study.findUniqueOrThrow({ where: { name: study.name } }));
    if (stored.title !== study.title || stored.purpose !== study.purpose) {
      throw new Fault('ALREADY_EXISTS', { study: study.name });
    }
    return stored;
  }

  async find(name: StudyName): Promise<StudyRecord | undefined> {
    const row = await this.prisma.study.findUnique({ where: { name } });
    return row ? studyOf(row) : undefined;
  }

  async list(): Promise<readonly StudyRecord[]> {
    return (await this.prisma.study.findMany({ orderBy: [{ createdAt: 'desc' }, { name: 'asc' }] })).map(studyOf);
  }

  async createPlan(plan: PlanRecord): Promise<PlanRecord> {
    await this.prisma.plan.createMany({ data: planRow(plan), skipDuplicates: true });
    return planOf(await this.prisma.plan.findUniqueOrThrow({ where: { digest: plan.digest } }));
  }

  async findPlan(digest: Digest): Promise<PlanRecord | undefined> {
    const row = await this.prisma.plan.findUnique({ where: { digest } });
    return row ? planOf(row) : undefined;
  }

  async plans(study: StudyName): Promise<readonly PlanRecord[]> {
    const orderBy = [{ createdAt: 'desc' as const }, { digest: 'asc' as const }];
    return (await this.prisma.plan.findMany({ where: { studyName: study }, orderBy })).map(planOf);
  }
}
