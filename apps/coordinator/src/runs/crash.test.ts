import { manifestOf } from '@consilium/model';
import type { RunId } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { MemoryRunStore } from '../adapters/memory/stores.js';
import { alpha, beta, planOf } from '../fixtures/plan.fixture.js';
import { ScriptedSite } from '../fixtures/scripted-site.fixture.js';
import { MemoryWorld, settled } from '../fixtures/world.fixture.js';
import type { RunCommit } from '../ports.js';

const choices = { rounds: { count: 2 } };
const manifest = manifestOf(planOf(choices).plan.model);

/** Dies at its nth commit: just before the transaction, or just after it and before anybody could act on it. */
class DyingStore extends MemoryRunStore {
  commits = 0;
  constructor(
    tables: MemoryWorld['tables'],
    private readonly diesAt: number,
    private readonly side: 'before' | 'after',
  ) {
    super(tables);
  }

  override async commit(change: RunCommit): Promise<void> {
    const last = ++this.commits === this.diesAt;
    if (this.commits > this.diesAt || (last && this.side === 'before')) throw new Error('killed');
    await super.commit(change);
    if (last) throw new Error('killed');
  }
}

function join(world: MemoryWorld): ScriptedSite[] {
  const handlers = world.handlers();
  return [alpha, beta].map((name) => new ScriptedSite(name, handlers, manifest));
}

async function finish(world: MemoryWorld, id: RunId): Promise<void> {
  for (let i = 0; i < 50 && world.tables.runs.get(id)?.endedMs === null; i++) await settled();
}

/** A whole run whose coordinator is killed at a commit and started again; answers what was published, and every update's count. */
async function runWithDeath(diesAt: number, side: 'before' | 'after') {
  const world = new MemoryWorld();
  const dying = new DyingStore(world.tables, diesAt, side);
  world.runs = dying;
  await world.restart();
  const { id } = await world.start(choices);
  const first = join(world);
  await finish(world, id);
  const died = dying.commits >= diesAt;

  // What the killed program held in memory is gone; the stores stay.
  world.runs = new MemoryRunStore(world.tables);
  await world.restart();
  for (const site of first) site.leave();
  const second = join(world);
  await finish(world, id);
  for (const site of second) site.leave();
  const [version] = await world.registry.list();
  return {
    died,
    commits: dying.commits,
    version,
    updates: await world.runs.updates(id),
    spool: await world.spool.runs(),
  };
}

describe('a coordinator that is killed', async () => {
  const undisturbed = await runWithDeath(Infinity, 'before');

  it('publishes without being killed (the yardstick)', () => {
    expect(undisturbed.version?.rounds).toHaveLength(2);
    expect(undisturbed.updates).toHaveLength(4);
  });

  it.each(
    Array.from({ length: undisturbed.commits }, (_, i) => i + 1).flatMap((at) => [
      { at, side: 'before' as const },
      { at, side: 'after' as const },
    ]),
  )('$side commit $at publishes the same model from the same updates, each counted once', async ({ at, side }) => {
    const { died, version, updates, spool } = await runWithDeath(at, side);
    expect(died).toBe(true);
    expect(version?.digest).toBe(undisturbed.version!.digest);
    const told = (all: typeof updates) =>
      all.map(({ number, attempt, site, sha256 }) => [number, attempt, site, sha256]);
    expect(told(updates)).toEqual(told(undisturbed.updates));
    expect(version?.rounds).toEqual(undisturbed.version!.rounds);
    expect(spool).toEqual([]);
  });
});
