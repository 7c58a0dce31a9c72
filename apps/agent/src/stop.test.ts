import { ManualClock } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { STOP_MS, stopSignal } from './stop.js';

function processTwin() {
  const listeners = new Map<string, () => void>();
  const exits: number[] = [];
  const clock = new ManualClock();
  const signal = stopSignal(
    { on: (name, listener) => listeners.set(name, listener), exit: (code) => void exits.push(code) },
    clock,
  );
  return { signal, clock, exits, raise: (name: string) => listeners.get(name)!() };
}

describe('stopping', () => {
  it.each(['SIGINT', 'SIGTERM', 'disconnect'])('asks for a graceful end at the first %s', (name) => {
    const { signal, exits, raise } = processTwin();
    raise(name);
    expect(signal.aborted).toBe(true);
    expect(exits).toEqual([]);
  });

  it('ends at once with 130 at the second Ctrl-C', () => {
    const { exits, clock, raise } = processTwin();
    raise('SIGINT');
    clock.advance(500);
    raise('SIGINT');
    expect(exits).toEqual([130]);
  });

  it('takes one Ctrl-C that comes twice, from the terminal and passed on, for one', () => {
    const { exits, clock, raise } = processTwin();
    raise('SIGINT');
    clock.advance(20);
    raise('SIGINT');
    expect(exits).toEqual([]);
  });

  it('does not wait longer than three seconds for a graceful end', () => {
    const { exits, clock, raise } = processTwin();
    raise('SIGTERM');
    clock.advance(STOP_MS - 1);
    expect(exits).toEqual([]);
    clock.advance(1);
    expect(exits).toEqual([130]);
  });

  it('does not count the end of the starting program as a second wish', () => {
    const { exits, clock, raise } = processTwin();
    raise('SIGTERM');
    clock.advance(500);
    raise('disconnect');
    expect(exits).toEqual([]);
  });
});
