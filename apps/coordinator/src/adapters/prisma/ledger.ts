import type { Digest, SiteName } from '@consilium/stdx';
import { Prisma, type PrismaClient, type SiteLog } from '../../generated/client.js';
import type { LedgerPlace, LedgerRow, LedgerRows, SiteLogs } from '../../ports.js';
import type { SiteLogRecord } from '../../records.js';

export class PrismaLedgerRows implements LedgerRows {
  constructor(private readonly prisma: PrismaClient) {}

  async append(rows: readonly LedgerRow[]): Promise<void> {
    await appendRows(this.prisma, rows);
  }

  async open(shard: number, { entry, subject }: LedgerRow): Promise<void> {
    await this.prisma.ledgerRow.create({ data: { entry, subject, shard, leaf: 0 } });
  }

  /** One statement, so numbers are given together or not at all. A row of a transaction still open is numbered next time. */
  async number(): Promise<void> {
    await this.prisma.$executeRaw`
      WITH newest AS (SELECT max(shard) AS shard FROM ledger_row),
        taken AS (SELECT max(leaf) + 1 AS next FROM ledger_row WHERE shard = (SELECT shard FROM newest)),
        waiting AS (SELECT seq, row_number() OVER (ORDER BY seq) - 1 AS behind FROM ledger_row WHERE shard IS NULL)
      UPDATE ledger_row AS row
      SET shard = (SELECT shard FROM newest), leaf = (SELECT next FROM taken) + waiting.behind
      FROM waiting
      WHERE row.seq = waiting.seq AND (SELECT shard FROM newest) IS NOT NULL`;
  }

  async shards(): Promise<readonly { readonly shard: number; readonly size: number }[]> {
    const groups = await this.prisma.ledgerRow.groupBy({
      by: ['shard'],
      where: { shard: { not: null } },
      _max: { leaf: true },
      orderBy: { shard: 'asc' },
    });
    return groups.map(({ shard, _max }) => ({ shard: shard!, size: _max.leaf! + 1 }));
  }

  async read(shard: number, from: number, to: number): Promise<readonly string[]> {
    const rows = await this.prisma.ledgerRow.findMany({
      where: { shard, leaf: { gte: from, lt: to } },
      orderBy: { leaf: 'asc' },
      select: { entry: true },
    });
    return rows.map(({ entry }) => entry);
  }

  async find(subject: string): Promise<{ readonly entry: string; readonly place: LedgerPlace | null } | undefined> {
    const row = await this.prisma.ledgerRow.findUnique({ where: { subject } });
    if (!row) return undefined;
    const { entry, shard, leaf } = row;
    return { entry, place: shard === null || leaf === null ? null : { shard, leaf } };
  }
}

/** The write that puts rows into a transaction, in their order. */
export const appendRows = (prisma: PrismaClient, rows: readonly LedgerRow[]): Prisma.PrismaPromise<unknown> =>
  prisma.ledgerRow.createMany({ data: rows.map(({ entry, subject }) => ({ entry, subject })) });

export class PrismaSiteLogs implements SiteLogs {
  constructor(private readonly prisma: PrismaClient) {}

  async of(site: SiteName): Promise<readonly SiteLogRecord[]> {
    return (await this.prisma.siteLog.findMany({ where: { site } })).map(siteLogOf).sort(byShard);
  }

  async save(checkpoint: SiteLogRecord, events: readonly LedgerRow[]): Promise<void> {
    const { site, shard } = checkpoint;
    await this.prisma.$transaction([
      this.prisma.siteLog.upsert({ where: { site_shard: { site, shard } }, create: checkpoint, update: checkpoint }),
      appendRows(this.prisma, events),
    ]);
  }
}

const siteLogOf = (row: SiteLog): SiteLogRecord => ({ ...row, site: row.site as SiteName, root: row.root as Digest });

/** By code unit, as everywhere; the database's collation may ignore hyphens. */
const byShard = (a: SiteLogRecord, b: SiteLogRecord): number => (a.shard < b.shard ? -1 : 1);
