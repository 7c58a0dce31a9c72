import { openCheckpoint, type Checkpoint, type SiteEntry } from '@consilium/ledger';
import { ManualClock } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { Killed, MortalFiles } from './crash.fixture.js';
import { DurableLog } from './durable-log.js';
import { collect, IN_2026, IN_2027, keyOf, settingsAt, SIGNER, trained } from './log.fixture.js';

/** What outlives the program in other hands: what it was told to be on disk, and what it has signed. */
interface Outside {
  readonly acknowledged: SiteEntry[];
  readonly notes: string[];
  /** How often the key was used, counted where it lives. */
  signatures: number;
}

/** A life: entries, checkpoints, a turn of the year, a restore. Ends when it is killed. */
async function live(files: MortalFiles, outside: Outside): Promise<void> {
  const clock = new ManualClock(IN_2026);
  const signer = {
    publicKey: SIGNER.publicKey,
    sign: (message: Uint8Array) => {
      outside.signatures += 1;
      return SIGNER.sign(message);
    },
  };
  const log = await DurableLog.over(files, { ...settingsAt(clock), signer });
  const record = async (round: number): Promise<void> =>
    void outside.acknowledged.push(await log.record(trained(round)));
  const checkpoint = async (): Promise<void> => void outside.notes.push(await log.checkpoint());
  await record(1);
  await Promise.all([record(2), record(3)]);
  await checkpoint();
  await record(4);
  await checkpoint();
  await record(5);
  clock.time = IN_2027;
  await record(6);
  await checkpoint();
  await log.restore(3);
  await record(7);
  await checkpoint();
}

const killedAt = async (
  death: { at: number; done: number },
  disk = new MortalFiles(),
): Promise<[MortalFiles, Outside]> => {
  const outside: Outside = { acknowledged: [], notes: [], signatures: 0 };
  disk.death = death;
  await live(disk, outside).catch((error: unknown) => {
    const killed = error instanceof Killed || (error as { cause?: unknown }).cause instanceof Killed;
    if (!killed) throw error;
  });
  return [disk.reborn(), outside];
};

async function requireWhole(log: DurableLog<'site'>, { acknowledged, notes }: Outside): Promise<void> {
  // No entry is lost that `record` has acknowledged, and they stand in their order.
  const entries = await collect(log.entries());
  const salts = entries.map(({ salt }) => salt);
  const places = acknowledged.map(({ salt }) => salts.indexOf(salt));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  // Every checkpoint that was given out is still a beginning of its shard.
  const shards = new Map([...log.earlierShards, log.shard].map((shard) => [shard.origin, shard]));
  for (const note of notes) {
    const shown = checkpointOf(note);
    shards.get(shown.origin)!.requireExtends(shown);
  }
}

const checkpointOf = (note: string): Checkpoint => {
  const [origin] = note.split('\n');
  return openCheckpoint(note, keyOf(origin!.split('/').at(-1)!), []).checkpoint;
};

describe('a program that is killed at any write', () => {
  it('lives through the whole life when nobody kills it', async () => {
    const [disk, outside] = await killedAt({ at: Infinity, done: 0 });
    expect([outside.acknowledged.length, outside.notes.length]).toEqual([7, 4]);
    await requireWhole(await DurableLog.over(disk, settingsAt(new ManualClock(IN_2027))), outside);
  });

  it('loses nothing that it had acknowledged, and signs no other past, whichever write it was and how much of it happened', async () => {
    const [whole] = [new MortalFiles()];
    await killedAt({ at: Infinity, done: 0 }, whole);
    const total = whole.writes;
    expect(total).toBeGreaterThan(25);
    for (let at = 1; at <= total; at++)
      for (const done of [0, 0.5, 0.99, 1]) {
        const [disk, outside] = await killedAt({ at, done });
        const log = await DurableLog.over(disk, settingsAt(new ManualClock(IN_2027)));
        await requireWhole(log, outside);
        // It goes on: what it signs now still contains all that it had signed.
        await log.record(trained(99));
        outside.notes.push(await log.checkpoint());
        await requireWhole(await DurableLog.over(disk, settingsAt(new ManualClock(IN_2027))), outside);
      }
  }, 240_000);

  it('can be killed again while it gets up again', async () => {
    for (let at = 3; at <= 40; at += 6)
      for (let second = 1; second <= 12; second++) {
        const [disk, outside] = await killedAt({ at, done: 0.5 });
        disk.death = { at: second, done: 0.5 };
        await DurableLog.over(disk, settingsAt(new ManualClock(IN_2027)))
          .then((log) => log.checkpoint())
          .catch(() => {});
        await requireWhole(await DurableLog.over(disk.reborn(), settingsAt(new ManualClock(IN_2027))), outside);
      }
  });

  it('would lose entries if it acknowledged them before they were on disk: the control', async () => {
    let lost = 0;
    for (let at = 1; at <= 20; at++) {
      const disk = new MortalFiles();
      disk.death = { at, done: 0 };
      const log = await DurableLog.over(disk, settingsAt(new ManualClock(IN_2026))).catch(() => undefined);
      const early: number[] = [];
      for (let round = 1; log && round <= 5; round++) {
        void log.record(trained(round)).catch(() => {});
        early.push(round); // the careless caller goes on without waiting
      }
      await log?.close().catch(() => {});
      const again = await DurableLog.over(disk.reborn(), settingsAt(new ManualClock(IN_2026)));
      const kept = (await collect(again.entries())).filter(({ type }) => type === 'training.finished').length;
      lost += early.length - kept;
    }
    expect(lost).toBeGreaterThan(0);
  });
});
