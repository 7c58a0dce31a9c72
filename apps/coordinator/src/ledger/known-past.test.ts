import { signCheckpoint, verifyEquivocation, type CoordinatorEvent } from '@consilium/ledger';
import { Fault, type SiteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { MemoryTables } from '../adapters/memory/stores.js';
import { COORDINATOR_KEY, keyOf } from '../fixtures/keys.fixture.js';
import { logKeyOf } from '../fixtures/ledger.fixture.js';
import { settled } from '../fixtures/world.fixture.js';
import { Logs, Witnessing } from './federation.fixture.js';

const denied: CoordinatorEvent = { type: 'user.denied', code: 'ACCESS_DENIED' };
const one = (): Witnessing => new Witnessing('alpha' as SiteName);

/** A log whose only witness has cosigned all of it. */
async function witnessed(): Promise<{ logs: Logs; site: Witnessing }> {
  const logs = await Logs.start();
  const site = one();
  await logs.arrive(site);
  await logs.offer(1);
  await logs.seek(1, ['alpha'], 'alpha');
  return { logs, site };
}
/** What a backup of this moment would bring back. */
function snapshot(logs: Logs): Parameters<typeof Logs.start>[0] {
  const tables = new MemoryTables();
  tables.ledger.rows.push(...logs.tables.ledger.rows.map((row) => ({ ...row })));
  for (const [name, site] of logs.tables.sites) tables.sites.set(name, site);
  return { tables, disk: logs.disk.copy(), clock: logs.clock };
}
const typesIn = (logs: Logs): string[] =>
  logs.tables.ledger.rows.map(({ entry }) => (JSON.parse(entry) as { type: string }).type);

describe('what a site has cosigned of our log', () => {
  it('is a past that we have: the site is greeted with our newest checkpoint', async () => {
    const { logs, site } = await witnessed();
    await logs.open.ledger.record(denied);
    await logs.open.integrator.checkpoint();
    const { coordinatorCheckpoint } = await logs.desks.witnesses.greet(site.name, site.hello);
    expect(coordinatorCheckpoint.toString('utf8')).toContain('demo/coordinator/2026\n4\n');
    expect(logs.open.halt.why).toBeUndefined();
  });

  it('is more than we have after a restore from an old copy: nothing goes on, and nothing more is signed', async () => {
    const { logs, site } = await witnessed();
    const backup = snapshot(logs);
    await logs.offer(2);
    await logs.seek(2, ['alpha'], 'alpha');
    await settled();

    const restored = await Logs.start(backup);
    const published = restored.disk.published.length;
    await expect(restored.arrive(site)).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK', facts: { witnessed: 4 } });
    expect(restored.open.halt.why).toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
    expect(typesIn(restored).at(-1)).toBe('alert');
    await expect(restored.open.ledger.record(denied)).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
    restored.clock.advance(600_000);
    await settled();
    expect(restored.disk.published).toHaveLength(published);
    await expect(restored.arrive(one())).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
  });

  it('keeps a restored log from signing a second past before its witnesses have come', async () => {
    const { logs } = await witnessed();
    await settled();
    const restored = await Logs.start(snapshot(logs));
    let signed = false;
    void restored.open.integrator.checkpoint().then(() => (signed = true));
    await settled();
    expect(signed).toBe(false);
    await restored.arrive(logs.sites.get('alpha' as SiteName)!);
    await settled();
    expect(signed).toBe(true);
  });

  it.each([
    ['at the same size', 0],
    ['at a smaller size', 2],
  ])('%s is another past: the evidence is kept, verifies, and outlives a restart', async (_, more) => {
    const { logs, site } = await witnessed();
    const note = signCheckpoint(
      { origin: 'demo/coordinator/2026', size: 3, root: new Uint8Array(32).fill(7) },
      COORDINATOR_KEY,
    );
    for (let i = 0; i < more; i++) await logs.open.ledger.record(denied);
    await logs.open.integrator.checkpoint();
    site.hand.cosigned = note;
    await expect(logs.arrive(site)).rejects.toMatchObject({ code: 'LEDGER_FORKED' });
    const evidence: unknown = JSON.parse(logs.disk.equivocation!);
    expect(verifyEquivocation(evidence, logKeyOf('2026'))).toBe(true);
    // Positive control: of anybody else's key it is no evidence.
    expect(verifyEquivocation(evidence, { ...logKeyOf('2026'), publicKey: keyOf('x').publicKey })).toBe(false);
    const again = await Logs.start({ tables: logs.tables, disk: logs.disk, clock: logs.clock });
    await expect(again.arrive(one())).rejects.toMatchObject({ code: 'LEDGER_FORKED' });
  });

  it('of a shard that we never opened is more than we have', async () => {
    const { logs, site } = await witnessed();
    const root = new Uint8Array(32);
    site.hand.cosigned = signCheckpoint({ origin: 'demo/coordinator/2027', size: 1, root }, COORDINATOR_KEY);
    await expect(logs.arrive(site)).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
  });

  it('counts only if our own key has signed it: a lie ends the session and stops nothing', async () => {
    const root = new Uint8Array(32);
    const origin = 'demo/coordinator/2026';
    const lies = [
      signCheckpoint({ origin, size: 99, root }, keyOf('a thief')),
      signCheckpoint({ origin: 'other/coordinator/2026', size: 99, root }, COORDINATOR_KEY),
      signCheckpoint({ origin: 'demo/coordinator/latest', size: 99, root }, COORDINATOR_KEY),
      signCheckpoint({ origin: 'demo/site/alpha/2026', size: 99, root }, COORDINATOR_KEY),
      'nothing of the kind',
    ];
    for (const lie of lies) {
      const { logs, site } = await witnessed();
      site.hand.cosigned = lie;
      const why = await logs.arrive(site).catch((error: unknown) => error);
      expect(Fault.is(why) && why.code).toMatch(/^LEDGER_(SIGNATURE|NOTE)_INVALID$/);
      expect(logs.open.halt.why).toBeUndefined();
    }
  });
});
