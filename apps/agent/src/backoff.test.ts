import { Fault, ManualClock } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delayAfter, passes, patiently, pause, RECONNECT } from './backoff.js';
import { settle } from './twins.fixture.js';

describe('the pauses between tries', () => {
  it('double from the first to the longest', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((failures) => delayAfter(failures, RECONNECT, () => 0));
    expect(delays).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
  });

  it('stay within half of it and the whole, for any number of failures', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const full = delayAfter(failures, RECONNECT, () => 0);
          const delay = delayAfter(failures, RECONNECT, () => random);
          expect(delay).toBeGreaterThanOrEqual(full / 2);
          expect(delay).toBeLessThanOrEqual(RECONNECT.maxMs);
        },
      ),
    );
  });

  it('end at once when the signal aborts', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const waiting = pause(60_000, clock, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(pause(1, clock, abort.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('trying again', () => {
  const attempt = (outcomes: readonly (Fault | 'ok')[]) => {
    const clock = new ManualClock();
    const abort = new AbortController();
    let tries = 0;
    const work = async (): Promise<string> => {
      const outcome = outcomes[Math.min(tries++, outcomes.length - 1)]!;
      if (outcome !== 'ok') throw outcome;
      return outcome;
    };
    const result = patiently(work, { clock, random: () => 0, signal: abort.signal });
    result.catch(() => {});
    return { clock, abort, result, tries: () => tries };
  };

  it('goes on after what passes by itself', async () => {
    const { clock, result, tries } = attempt([new Fault('UNAVAILABLE'), new Fault('DISK_FULL'), 'ok']);
    for (let i = 0; i < 2; i++) {
      await settle();
      clock.advance(1000);
    }
    expect(await result).toBe('ok');
    expect(tries()).toBe(3);
  });

  it('ends at what does not pass', async () => {
    const { result, tries } = attempt([new Fault('UPDATE_CONFLICT')]);
    await expect(result).rejects.toMatchObject({ code: 'UPDATE_CONFLICT' });
    expect(tries()).toBe(1);
    expect(passes(new Error('anything'))).toBe(false);
  });

  it('ends when the signal aborts, which is what bounds it', async () => {
    const { clock, abort, result, tries } = attempt([new Fault('UNAVAILABLE')]);
    for (let i = 0; i < 50; i++) {
      await settle(2);
      clock.advance(15_000);
    }
    expect(tries()).toBeGreaterThan(20);
    abort.abort();
    await expect(result).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
