import { quorumOf, toleratedFaults } from '@consilium/ledger';
import type { SiteName } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryTables } from '../adapters/memory/stores.js';
import { settled } from '../fixtures/world.fixture.js';
import { judged, Logs, Witnessing } from './federation.fixture.js';

const names = (n: number): SiteName[] => Array.from({ length: n }, (_, i) => `site-${i}` as SiteName);

/** Two coordinators with one key and one past, as a hub that means to fork makes them. */
async function twoFaces(sites: readonly Witnessing[]): Promise<[Logs, Logs]> {
  const honest = await Logs.start();
  for (const site of sites) await honest.arrive(site);
  await honest.offer(1);
  await honest.seek(1, names(sites.length), 'site-0');
  await settled();
  const tables = new MemoryTables();
  tables.ledger.rows.push(...honest.tables.ledger.rows.map((row) => ({ ...row })));
  for (const [name, site] of honest.tables.sites) tables.sites.set(name, site);
  const other = await Logs.start({ tables, disk: honest.disk.copy() });
  return [honest, other];
}

/** Whether a site in this branch is shown evidence that it believes. */
async function convinces(logs: Logs, n: number, reader: SiteName): Promise<boolean> {
  const cancel = new AbortController();
  let believed = false;
  logs.seek(2, names(n), reader, cancel.signal).then(
    (evidence) => (believed = judged(evidence, names(n)).cosigned.size >= quorumOf(n)),
    () => {},
  );
  await settled();
  cancel.abort();
  return believed;
}

/** Each honest site sees one branch; those who collude with the hub cosign both, and remember nothing. */
async function fork(n: number, colluding: number, onFirst: readonly boolean[]): Promise<[boolean, boolean]> {
  const sites = names(n).map((name) => new Witnessing(name));
  const [first, second] = await twoFaces(sites);
  for (const site of sites) first.leave(site);
  for (const [i, site] of sites.entries()) {
    if (i < colluding) {
      for (const branch of [first, second]) await branch.arrive(new Witnessing(site.name));
    } else await (onFirst[i] ? first : second).arrive(site);
  }
  // One event more in the second branch, and from there on the two tell different things.
  await second.open.ledger.record({ type: 'user.denied', code: 'ACCESS_DENIED' });
  for (const branch of [first, second]) {
    await branch.offer(2);
    branch.clock.advance(60_000);
  }
  const someone = (branch: Logs): SiteName => branch.present.at(-1) ?? ('site-0' as SiteName);
  return [await convinces(first, n, someone(first)), await convinces(second, n, someone(second))];
}

describe('a hub that forks its log', () => {
  it('convinces the sites of one branch at most, however it divides them and whoever colludes within the bound', async () => {
    const divisions = fc
      .integer({ min: 1, max: 8 })
      .chain((n) => fc.tuple(fc.constant(n), fc.array(fc.boolean(), { minLength: n, maxLength: n })));
    await fc.assert(
      fc.asyncProperty(divisions, async ([n, onFirst]) => {
        const believed = await fork(n, toleratedFaults(n), onFirst);
        expect(believed.filter(Boolean).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 12 },
    );
  });

  it('convinces one where all but those of the bound see it (the test can tell)', async () => {
    expect(await fork(4, 1, [true, true, true, true])).toEqual([true, false]);
  });

  it('convinces both when more collude than the bound allows (positive control)', async () => {
    expect(await fork(4, 2, [true, true, true, false])).toEqual([true, true]);
  });
});
