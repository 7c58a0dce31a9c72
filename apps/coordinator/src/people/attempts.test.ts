import { Fault, ManualClock } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { Attempts, PER_ACCOUNT, PER_ADDRESS } from './attempts.js';

const LIMITS = { free: 3, waitMs: 1_000, waitMsMax: 8_000 };
const open = (limits = LIMITS): [Attempts, ManualClock] => {
  const clock = new ManualClock(1_000_000);
  return [new Attempts(clock, limits), clock];
};
const waits = (attempts: Attempts, key = 'a'): number => {
  try {
    attempts.begin(key);
    return 0;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ACCOUNT_LOCKED' });
    return (error as Fault).facts['retryAfterSeconds'] as number;
  }
};

describe('failed logins', () => {
  it('have no consequence at first, and then a wait that doubles up to its largest', () => {
    const [attempts, clock] = open();
    const told: number[] = [];
    for (let i = 0; i < 9; i++) {
      const wait = waits(attempts);
      told.push(wait);
      if (wait === 0) continue;
      clock.advance(wait * 1000 - 1);
      expect(waits(attempts)).toBe(1);
      clock.advance(1);
      expect(waits(attempts)).toBe(0);
    }
    expect(told).toEqual([0, 0, 0, 1, 2, 4, 8, 8, 8]);
  });

  it('count from their beginning, so that many at once are no way around the wait', () => {
    const [attempts] = open();
    const tried = Array.from({ length: 1000 }, () => waits(attempts));
    expect(tried.filter((wait) => wait === 0)).toHaveLength(3);
  });

  it('are forgotten after a proved login', () => {
    const [attempts] = open();
    for (let i = 0; i < 3; i++) attempts.begin('a');
    attempts.succeeded('a');
    expect([waits(attempts), waits(attempts), waits(attempts), waits(attempts)]).toEqual([0, 0, 0, 1]);
  });

  it('of an address are not forgotten for a login of its own: only that one is taken back', () => {
    const [attempts] = open();
    for (let i = 0; i < 3; i++) attempts.begin('a');
    attempts.forgive('a');
    expect([waits(attempts), waits(attempts)]).toEqual([0, 1]);
    attempts.forgive('nobody');
    expect(attempts.size).toBe(1);
  });

  it('are forgotten after a quiet hour', () => {
    const [attempts, clock] = open();
    for (let i = 0; i < 3; i++) attempts.begin('a');
    clock.advance(60 * 60_000);
    expect([waits(attempts), waits(attempts), waits(attempts), waits(attempts)]).toEqual([0, 0, 0, 1]);
  });

  it('of one are no matter of another', () => {
    const [attempts] = open();
    for (let i = 0; i < 9; i++) waits(attempts, 'a');
    expect(waits(attempts, 'b')).toBe(0);
  });

  it('are kept for ten thousand at most; who failed last is kept', () => {
    const [attempts] = open();
    for (let i = 0; i < 3; i++) attempts.begin('first');
    for (let i = 0; i < 9_999; i++) attempts.begin(`n${i}`);
    expect([attempts.size, waits(attempts, 'first')]).toEqual([10_000, 1]);
    attempts.begin('one more');
    expect([attempts.size, waits(attempts, 'first')]).toEqual([10_000, 0]);
  });

  it('of a person make a guess of a million one-time codes take years', () => {
    const [attempts, clock] = open(PER_ACCOUNT);
    const until = clock.now() + 24 * 60 * 60_000;
    let guesses = 0;
    while (clock.now() < until) {
      const wait = waits(attempts);
      if (wait === 0) guesses++;
      else clock.advance(wait * 1000);
    }
    // Three of a million codes are good at any moment, and the password must be known first.
    expect(guesses).toBeLessThan(120);
    expect(PER_ADDRESS.free).toBeGreaterThan(PER_ACCOUNT.free);
  });
});
