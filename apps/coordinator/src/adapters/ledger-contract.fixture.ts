import { startRun } from '@consilium/round';
import { Fault, type Digest, type RunId, type StudyName } from '@consilium/stdx';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { alpha, beta } from '../fixtures/plan.fixture.js';
import type { LedgerRow, LedgerRows, RunStore, SiteLogs, StudyStore } from '../ports.js';
import type { RunRecord, SiteLogRecord } from '../records.js';

export interface LedgerStores {
  readonly rows: LedgerRows;
  readonly siteLogs: SiteLogs;
  readonly runs: RunStore;
  readonly studies: StudyStore;
}

const first = 2026001;
const row = (entry: string, subject: string | null = null): LedgerRow => ({ entry: `{"entry":"${entry}"}`, subject });
const told = (entries: readonly string[]): string[] =>
  entries.map((entry) => (JSON.parse(entry) as { entry: string }).entry);

const plan = {
  digest: 'a'.repeat(64) as Digest,
  study: 'trial' as StudyName,
  document: '{}',
  envelope: null,
  createdMs: 1,
};
const run: RunRecord = {
  id: 'run-0000000001' as RunId,
  planDigest: plan.digest,
  revision: 1,
  state: startRun(),
  modelDigest: '0'.repeat(64) as Digest,
  deadlineMs: null,
  standings: {},
  createdMs: 3000,
  endedMs: null,
};
const checkpoint = (change: Partial<SiteLogRecord> = {}): SiteLogRecord => ({
  site: alpha,
  shard: '2026',
  size: 3,
  root: 'c'.repeat(64) as Digest,
  note: 'demo/site/alpha/2026\n3\n…',
  ...change,
});

/** What the ledger's tables promise; each test gets empty ones. */
export function ledgerContract(empty: () => Promise<LedgerStores>): void {
  async function opened(): Promise<LedgerStores> {
    const stores = await empty();
    await stores.rows.open(first, row('opened'));
    return stores;
  }

  it('has no shard before one is opened, and gives no row a place until then', async () => {
    const { rows } = await empty();
    await rows.append([row('early', 'early')]);
    await rows.number();
    expect(await rows.shards()).toEqual([]);
    expect(await rows.find('early')).toMatchObject({ place: null });
    await rows.open(first, row('opened'));
    await rows.number();
    expect(told(await rows.read(first, 0, 9))).toEqual(['opened', 'early']);
  });

  it('keeps every entry byte for byte', async () => {
    const { rows } = await opened();
    const odd = '{"a":"ä\\u0000“","b":[1.5e-7,null]}';
    await rows.append([{ entry: odd, subject: 'odd' }]);
    await rows.number();
    expect(await rows.read(first, 1, 2)).toEqual([odd]);
    expect(await rows.find('odd')).toEqual({ entry: odd, place: { shard: first, leaf: 1 } });
    expect(await rows.find('none')).toBeUndefined();
  });

  it('numbers rows without a gap in the order in which they were stored, and never again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 6 }), async (batches) => {
        const { rows } = await opened();
        const expected = ['opened'];
        for (const [i, size] of batches.entries()) {
          const names = Array.from({ length: size }, (_, j) => `${i}-${j}`);
          if (size) await rows.append(names.map((name) => row(name)));
          expected.push(...names);
          if (i % 2) await rows.number();
          const before = await rows.read(first, 0, 99);
          await rows.number();
          expect((await rows.read(first, 0, 99)).slice(0, before.length)).toEqual(before);
        }
        await rows.number();
        expect(told(await rows.read(first, 0, 99))).toEqual(expected);
        expect(await rows.shards()).toEqual([{ shard: first, size: expected.length }]);
      }),
      { numRuns: 10 },
    );
  });

  it('reads any stretch of a shard', async () => {
    const { rows } = await opened();
    await rows.append(Array.from({ length: 9 }, (_, i) => row(`${i}`)));
    await rows.number();
    expect(told(await rows.read(first, 3, 6))).toEqual(['2', '3', '4']);
    expect(await rows.read(first, 10, 20)).toEqual([]);
    expect(await rows.read(first + 1000, 0, 9)).toEqual([]);
  });

  it('puts what comes after a shard was opened behind its first entry, and leaves the older shard as it is', async () => {
    const { rows } = await opened();
    await rows.append([row('old')]);
    await rows.number();
    await rows.append([row('between')]);
    const next = first + 1000;
    await rows.open(next, row('next'));
    await rows.append([row('new')]);
    await rows.number();
    expect(told(await rows.read(first, 0, 9))).toEqual(['opened', 'old']);
    expect(told(await rows.read(next, 0, 9))).toEqual(['next', 'between', 'new']);
    expect(await rows.shards()).toEqual([
      { shard: first, size: 2 },
      { shard: next, size: 3 },
    ]);
  });

  it('opens a shard once, and keeps one row for each subject: a second one undoes its whole transaction', async () => {
    const { rows } = await opened();
    await expect(rows.open(first, row('again'))).rejects.toThrow();
    await rows.append([row('one', 'subject')]);
    await expect(rows.append([row('two'), row('three', 'subject')])).rejects.toThrow();
    await rows.number();
    expect(told(await rows.read(first, 0, 9))).toEqual(['opened', 'one']);
  });

  it('stores a run’s events with its step, or neither', async () => {
    const { rows, runs, studies } = await opened();
    await studies.create(
      { name: plan.study, title: 'A trial', purpose: 'To test.', terms: null, document: null, createdMs: 0 },
      [],
    );
    await studies.createPlan(plan, []);
    await runs.create(run, [row('started')]);
    const next = { ...run, revision: 2 };
    await runs.commit({ run: next, events: [row('one'), row('two')] });
    await expect(runs.commit({ run: next, events: [row('stale')] })).rejects.toSatisfy((error) =>
      Fault.is(error, 'STATE_LOCKED'),
    );
    await runs.commit({ run: { ...run, revision: 3 }, events: [row('three')] });
    await rows.number();
    expect(told(await rows.read(first, 1, 9))).toEqual(['started', 'one', 'two', 'three']);
  });

  it('keeps the latest checkpoint of each shard of each site’s log, with the entry about it', async () => {
    const { rows, siteLogs } = await opened();
    await siteLogs.save(checkpoint(), [row('first')]);
    const grown = checkpoint({ size: 9, root: 'd'.repeat(64) as Digest, note: 'grown' });
    await siteLogs.save(grown, [row('grown')]);
    const restored = checkpoint({ shard: '2026-2', size: 1 });
    await siteLogs.save(restored, [row('restored'), row('alert')]);
    await siteLogs.save(checkpoint({ site: beta }), [row('other')]);
    expect(await siteLogs.of(alpha)).toEqual([grown, restored]);
    expect(await siteLogs.of('constructor' as typeof alpha)).toEqual([]);
    await rows.number();
    expect(told(await rows.read(first, 1, 9))).toEqual(['first', 'grown', 'restored', 'alert', 'other']);
  });
}
