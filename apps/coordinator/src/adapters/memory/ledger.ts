import { invariant, type SiteName } from '@consilium/stdx';
import type { LedgerPlace, LedgerRow, LedgerRows, SiteLogs } from '../../ports.js';
import type { SiteLogRecord } from '../../records.js';

interface StoredRow extends LedgerRow {
  place: LedgerPlace | null;
}

/** The ledger's tables, which the stores that write to them share. */
export class MemoryLedgerTables {
  readonly rows: StoredRow[] = [];
  readonly siteLogs = new Map<string, SiteLogRecord>();

  append(rows: readonly LedgerRow[]): void {
    for (const { subject } of rows) {
      const taken = this.rows.some((row) => subject !== null && row.subject === subject);
      invariant(!taken, 'a subject of the ledger has one row');
    }
    this.rows.push(...rows.map((row) => ({ ...row, place: null })));
  }
}

export class MemoryLedgerRows implements LedgerRows {
  constructor(private readonly tables: MemoryLedgerTables) {}

  async append(rows: readonly LedgerRow[]): Promise<void> {
    this.tables.append(rows);
  }

  async open(shard: number, first: LedgerRow): Promise<void> {
    invariant(!this.#sizes().has(shard), 'a shard is opened once');
    this.tables.rows.push({ ...first, place: { shard, leaf: 0 } });
  }

  async number(): Promise<void> {
    const shard = Math.max(...this.#sizes().keys());
    if (!Number.isFinite(shard)) return;
    let leaf = this.#sizes().get(shard)!;
    for (const row of this.tables.rows) row.place ??= { shard, leaf: leaf++ };
  }

  async shards(): Promise<readonly { readonly shard: number; readonly size: number }[]> {
    return [...this.#sizes()].map(([shard, size]) => ({ shard, size })).sort((a, b) => a.shard - b.shard);
  }

  async read(shard: number, from: number, to: number): Promise<readonly string[]> {
    const wanted = this.tables.rows.filter(
      ({ place }) => place?.shard === shard && place.leaf >= from && place.leaf < to,
    );
    return wanted.sort((a, b) => a.place!.leaf - b.place!.leaf).map(({ entry }) => entry);
  }

  async find(subject: string): Promise<{ readonly entry: string; readonly place: LedgerPlace | null } | undefined> {
    const row = this.tables.rows.find((stored) => stored.subject === subject);
    return row && { entry: row.entry, place: row.place };
  }

  #sizes(): Map<number, number> {
    const sizes = new Map<number, number>();
    for (const { place } of this.tables.rows) {
      if (place) sizes.set(place.shard, Math.max(sizes.get(place.shard) ?? 0, place.leaf + 1));
    }
    return sizes;
  }
}

export class MemorySiteLogs implements SiteLogs {
  constructor(private readonly tables: MemoryLedgerTables) {}

  async of(site: SiteName): Promise<readonly SiteLogRecord[]> {
    const all = [...this.tables.siteLogs.values()].filter((log) => log.site === site);
    return all.sort((a, b) => (a.shard < b.shard ? -1 : 1));
  }

  async save(checkpoint: SiteLogRecord, events: readonly LedgerRow[]): Promise<void> {
    this.tables.append(events);
    this.tables.siteLogs.set(`${checkpoint.site}/${checkpoint.shard}`, checkpoint);
  }
}
