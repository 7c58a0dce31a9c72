import { manifestOf } from '@consilium/model';
import { Fault, type SiteName } from '@consilium/stdx';
import { decodeSafetensors } from '@consilium/weights';
import { beforeEach, describe, expect, it } from 'vitest';
import { InlineArithmetic } from '../adapters/memory/arithmetic.js';
import { alpha, beta, planOf } from '../fixtures/plan.fixture.js';
import { ScriptedSite } from '../fixtures/scripted-site.fixture.js';
import { sha256Of, updateBytes } from '../fixtures/updates.fixture.js';
import { MemoryWorld, settled } from '../fixtures/world.fixture.js';
import { MACHINE } from '../people/person-id.js';
import type { AggregationWork } from '../ports.js';
import { aggregateRound } from './aggregate-round.js';

const choices = { rounds: { count: 1, maxAttempts: 2 } };
const { plan } = planOf(choices);
const manifest = manifestOf(plan.model);

/** Arithmetic and model files that fail as often as the test says. */
class Troubled extends MemoryWorld {
  aggregations = 0;
  /** What the next aggregations do instead. */
  troubles: (() => Promise<never>)[] = [];
  fullDisks = 0;

  override world() {
    const world = super.world();
    const inline = new InlineArithmetic();
    const { models } = world;
    return {
      ...world,
      arithmetic: {
        initialise: inline.initialise,
        admit: inline.admit,
        close: inline.close,
        aggregate: async (work: AggregationWork) => {
          this.aggregations++;
          await this.troubles.shift()?.();
          return inline.aggregate(work);
        },
      },
      models: {
        size: models.size.bind(models),
        read: models.read.bind(models),
        stream: models.stream.bind(models),
        put: async (bytes: Uint8Array) => {
          if (this.aggregations && this.fullDisks-- > 0) throw new Fault('DISK_FULL');
          return models.put(bytes);
        },
      },
    };
  }
}
const failing = async (): Promise<never> => {
  throw new Fault('INTERNAL');
};
const hanging = (): Promise<never> => new Promise(() => {});

describe('the aggregation of a round', () => {
  let world: Troubled;
  let sites: ScriptedSite[];
  beforeEach(async () => {
    world = new Troubled();
    // The fields above are set after the base class made its first conductor.
    await world.restart();
  });

  function join(): ScriptedSite[] {
    const handlers = world.handlers();
    return [alpha, beta].map((name) => new ScriptedSite(name, handlers, manifest));
  }
  async function run() {
    const { id } = await world.start(choices);
    sites = join();
    await settled();
    return { id, state: () => world.tables.runs.get(id)!.state, rounds: () => world.runs.rounds(id) };
  }

  it('that fails costs the round an attempt, and the sites are asked again', async () => {
    world.troubles = [failing];
    const { state, rounds } = await run();
    await settled();
    expect(
      (await rounds()).map(({ attempt, state }) => [attempt, state.phase === 'abandoned' ? state.reason : state.phase]),
    ).toEqual([
      [1, 'aggregation-failed'],
      [2, 'published'],
    ]);
    expect(state().phase).toBe('finished');
    expect(sites[0]?.heard.filter(({ roundOffer }) => roundOffer)).toHaveLength(2);
  });

  it('that always fails ends the run with its code, and leaves no upload behind', async () => {
    world.troubles = Array.from({ length: 5 }, () => failing);
    const { state } = await run();
    await settled();
    expect(state()).toEqual({ phase: 'failed', code: 'RUN_FAILED' });
    expect(await world.spool.runs()).toEqual([]);
    expect(world.aggregations).toBe(2);
  });

  it('waits for room on a full disk without costing an attempt', async () => {
    world.fullDisks = 2;
    const { state, rounds } = await run();
    expect(state()).toMatchObject({ phase: 'training', attempt: 1 });
    for (const waitMs of [1000, 2000]) {
      world.clock.advance(waitMs);
      await settled();
    }
    expect((await rounds()).map(({ attempt, state }) => [attempt, state.phase])).toEqual([[1, 'published']]);
    expect(world.aggregations).toBe(3);
  });

  it('that a pause overtakes changes nothing', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    world.troubles = [() => held as Promise<never>];
    const { id, state, rounds } = await run();
    expect((await rounds()).at(-1)?.state.phase).toBe('aggregation');
    await world.conductor.steer(id, 'pause', MACHINE);
    release();
    await settled();
    expect(state()).toMatchObject({ phase: 'paused', resumes: { attempt: 2 } });
    expect((await rounds()).map((round) => round.state)).toEqual([{ phase: 'abandoned', reason: 'stopped' }]);
    expect(world.fatal).toEqual([]);
  });

  it('that was under way when the coordinator was killed is done again, without the sites', async () => {
    world.troubles = [hanging];
    const { state, rounds } = await run();
    expect(state().phase).toBe('training');
    for (const site of sites) site.leave();
    await world.restart();
    await settled();
    expect((await rounds()).map((round) => [round.attempt, round.state.phase])).toEqual([[1, 'published']]);
    expect(state().phase).toBe('evaluation');
    join();
    await settled();
    expect(state().phase).toBe('finished');
  });
});

describe('a round’s model', () => {
  const record = (base: Uint8Array, attempt = 1) => ({
    run: 'run-0000000001' as never,
    number: 1,
    attempt,
    state: { phase: 'aggregation' as const, contributors: [alpha, beta], dropped: {} },
    baseDigest: sha256Of(base),
    modelDigest: null,
    loss: null,
    auc: null,
    startedMs: 0,
    deadlineMs: 0,
    endedMs: null,
  });

  it('is base + Σ examples·update / Σ examples of what lies in the spool, stored under its digest', async () => {
    const world = new MemoryWorld();
    const base = updateBytes(manifest, 'base');
    await world.models.put(base);
    const round = record(base);
    const updates = await Promise.all(
      (
        [
          ['alpha', 1],
          ['beta', 3],
        ] as [SiteName, number][]
      ).map(async ([site, examples]) => {
        const bytes = updateBytes(manifest, site);
        const key = { run: round.run, number: 1, attempt: 1, site, sha256: sha256Of(bytes) };
        await world.spool.receive(
          { ...key, round: 1 },
          0,
          (async function* () {
            yield bytes;
          })(),
        );
        return { ...key, length: bytes.byteLength, examples, loss: null, metrics: {} as never, committedMs: 0 };
      }),
    );
    const digest = await aggregateRound(round, updates, { plan, manifest }, world.world());
    const reversed = await aggregateRound(round, [...updates].reverse(), { plan, manifest }, world.world());
    expect(reversed).toBe(digest);
    const values = decodeSafetensors(await world.models.read(digest)).values;
    const [b, x, y] = [base, updateBytes(manifest, 'alpha'), updateBytes(manifest, 'beta')].map(
      (bytes) => decodeSafetensors(bytes).values,
    );
    values.forEach((value, i) => expect(value).toBeCloseTo(b![i]! + (x![i]! + 3 * y![i]!) / 4, 6));
  });
});
