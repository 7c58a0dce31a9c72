import { startRun } from '@consilium/round';
import { ManualClock, RUN_ID_PATTERN, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { alpha, beta } from '../fixtures/plan.fixture.js';
import { meanMetrics, NO_METRICS, type Metrics } from '../metrics.js';
import { Board } from './board.js';
import { RunFeed } from './feed.js';
import { insist, mayPass } from './insist.js';
import { roundFigures } from './publication.js';
import { SerialQueue } from './queue.js';
import { mintRunId } from './run-id.js';
import { Fault } from '@consilium/stdx';
import { pino } from 'pino';
import { settled } from '../fixtures/world.fixture.js';

describe('a run id', () => {
  it('has its form, and ids of different times sort by age', () => {
    const ids = [1, 1_000, 1_767_225_600_000, 2_500_000_000_000].map(mintRunId);
    for (const id of ids) expect(id).toMatch(RUN_ID_PATTERN);
    expect([...ids].sort()).toEqual(ids);
  });

  it('differs within one millisecond', () => {
    expect(new Set(Array.from({ length: 200 }, () => mintRunId(5))).size).toBe(200);
  });
});

describe('the board', () => {
  const approving = { ...startRun(), approved: [alpha] } as ReturnType<typeof startRun>;

  it('counts bytes that move while a step is being stored', () => {
    const board = new Board([alpha, beta], {});
    board.sawBytes(alpha, 'up', 10);
    const standings = board.after(approving, { type: 'plan-approved', site: alpha });
    board.sawBytes(alpha, 'up', 5);
    board.accept(standings);
    expect(standings[alpha]).toEqual({ decision: 'approved', bytesUp: 10, bytesDown: 0, examples: null });
    expect(board.standing(alpha)).toEqual({ decision: 'approved', bytesUp: 15, bytesDown: 0, examples: null });
    expect(board.standing(beta).decision).toBe('pending');
  });

  it('remembers the rejection that ended the run, and who had approved', () => {
    const board = new Board([alpha, beta], {});
    board.accept(board.after(approving, { type: 'plan-approved', site: alpha }));
    board.accept(board.after({ phase: 'failed', code: 'PLAN_REJECTED' }, { type: 'plan-rejected', site: beta }));
    expect([board.standing(alpha).decision, board.standing(beta).decision]).toEqual(['approved', 'rejected']);
  });

  it('goes on from stored standings and ignores sites that the plan does not list', () => {
    const board = new Board([alpha], { [alpha]: { decision: 'approved', bytesUp: 1, bytesDown: 2, examples: 3 } });
    board.sawBytes('constructor' as SiteName, 'up', 9);
    board.sawProgress(beta, { step: 1, steps: 2, loss: null });
    expect(board.standing(alpha)).toMatchObject({ bytesUp: 1, bytesDown: 2, examples: 3 });
    expect(board.standing('constructor' as SiteName).bytesUp).toBe(0);
    expect(board.progress(beta)).toBeUndefined();
  });

  it('starts each round without progress', () => {
    const board = new Board([alpha], {});
    board.sawProgress(alpha, { step: 1, steps: 2, loss: 0.5 });
    board.clearProgress();
    expect(board.progress(alpha)).toBeUndefined();
  });
});

describe('mean metrics', () => {
  const auc = (value: number, half: number): Metrics => ({
    ...NO_METRICS,
    auc: { value, low: value - half, high: value + half },
  });

  it('count each site the same and add half-widths in quadrature', () => {
    const mean = meanMetrics([auc(0.8, 0.03), auc(0.6, 0.04)]).auc!;
    // By hand: (0.8 + 0.6) / 2, and √(0.03² + 0.04²) / 2 = 0.025.
    expect(mean.value).toBeCloseTo(0.7, 12);
    expect(mean.high - mean.value).toBeCloseTo(0.025, 12);
    expect(mean.value - mean.low).toBeCloseTo(0.025, 12);
  });

  it('leave out sites where the metric is undefined, and are null where no site has it', () => {
    expect(meanMetrics([auc(0.8, 0.1), NO_METRICS]).auc?.value).toBe(0.8);
    expect(meanMetrics([NO_METRICS]).auc).toBeNull();
    expect(meanMetrics([])).toEqual(NO_METRICS);
  });
});

describe('a round’s figures', () => {
  const update = (site: SiteName, examples: number, loss: number | null) => ({
    run: 'run-0000000001' as RunId,
    number: 1,
    attempt: 1,
    site,
    sha256: 'a'.repeat(64) as Digest,
    length: 1,
    examples,
    loss,
    metrics: NO_METRICS,
    committedMs: 0,
  });

  it('average the loss by examples over the contributors only', () => {
    const updates = [update(alpha, 100, 1), update(beta, 300, 2), update('gamma' as SiteName, 1000, 99)];
    expect(roundFigures([alpha, beta], updates)).toEqual({ loss: 1.75, auc: null });
  });

  it('are null where nobody could tell', () => {
    expect(roundFigures([alpha], [update(alpha, 10, null)])).toEqual({ loss: null, auc: null });
  });
});

describe('the feed', () => {
  const run = 'run-0000000001' as RunId;

  it('tells at once, then at most every 100 ms, and never loses the last change', () => {
    const clock = new ManualClock(1000);
    const feed = new RunFeed(clock);
    let told = 0;
    feed.watch(run, () => told++);
    for (let i = 0; i < 5; i++) feed.changed(run);
    clock.advance(0);
    expect(told).toBe(1);
    for (let i = 0; i < 50; i++) {
      feed.changed(run);
      clock.advance(10);
    }
    expect(told).toBe(6);
    clock.advance(1000);
    expect(told).toBe(6);
  });

  it('tells nothing of other runs, nothing after the watch ended, and refuses too many watchers', () => {
    const clock = new ManualClock();
    const feed = new RunFeed(clock);
    let told = 0;
    const unwatch = feed.watch(run, () => told++);
    feed.changed('run-0000000002' as RunId);
    feed.changed(run);
    unwatch();
    clock.advance(1000);
    expect(told).toBe(0);
    const watches = Array.from({ length: 256 }, () => feed.watch(run, () => {}));
    expect(() => feed.watch(run, () => {})).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    watches[0]!();
    feed.watch(run, () => {});
  });
});

describe('the queue', () => {
  it('does one thing after the other, also when one fails', async () => {
    const queue = new SerialQueue();
    const seen: string[] = [];
    const slow = queue.run(async () => {
      await settled();
      seen.push('slow');
    });
    const failing = queue.run(async () => {
      seen.push('failing');
      throw new Error('its own');
    });
    const last = queue.run(async () => seen.push('last'));
    await expect(failing).rejects.toThrow('its own');
    await Promise.all([slow, last, queue.idle()]);
    expect(seen).toEqual(['slow', 'failing', 'last']);
  });

  it('refuses what would wait without bound', async () => {
    const queue = new SerialQueue();
    const all = Array.from({ length: 4097 }, () => queue.run(async () => 'done'));
    await expect(all.at(-1)).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(await all[0]).toBe('done');
    await Promise.allSettled(all);
    expect(await queue.run(async () => 'again')).toBe('again');
  });
});

describe('work that is insisted on', () => {
  const log = pino({ level: 'silent' });

  it('is tried again with growing waits, and its last failure is thrown', async () => {
    const clock = new ManualClock();
    let tries = 0;
    const work = insist(
      async () => {
        tries++;
        throw new Fault('DISK_FULL');
      },
      { clock, log, passing: mayPass },
    );
    const outcome = expect(work).rejects.toMatchObject({ code: 'DISK_FULL' });
    for (const waitMs of [1000, 2000, 4000, 8000, 16_000]) {
      await settled();
      const before = tries;
      clock.advance(waitMs - 1);
      await settled();
      expect(tries).toBe(before);
      clock.advance(1);
    }
    await outcome;
    expect(tries).toBe(6);
  });

  it('is not tried again where that cannot help', async () => {
    let tries = 0;
    const work = async (): Promise<never> => {
      tries++;
      throw new Fault('STATE_LOCKED');
    };
    await expect(insist(work, { clock: new ManualClock(), log, passing: mayPass })).rejects.toMatchObject({
      code: 'STATE_LOCKED',
    });
    expect(tries).toBe(1);
  });
});
