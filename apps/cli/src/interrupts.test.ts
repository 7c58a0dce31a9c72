import { ManualClock } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { Interrupts } from './interrupts.js';

/** Presses at these times, and answers after which the first and the second were heard. */
function press(...atMs: number[]): [first: boolean, second: boolean] {
  const clock = new ManualClock();
  const interrupts = new Interrupts(clock);
  for (const at of atMs) {
    clock.time = at;
    interrupts.press();
  }
  return [interrupts.first.aborted, interrupts.second.aborted];
}

describe('Ctrl-C', () => {
  it('is not heard before it comes', () => {
    expect(press()).toEqual([false, false]);
  });

  it('once asks to stop', () => {
    expect(press(0)).toEqual([true, false]);
  });

  it('twice demands it', () => {
    expect(press(0, 1_000)).toEqual([true, true]);
  });

  it('that npm hands on as well is one press', () => {
    expect(press(0, 5)).toEqual([true, false]);
    expect(press(0, 5, 10)).toEqual([true, false]);
  });

  it('a second time is heard after such an echo too', () => {
    expect(press(0, 5, 800, 805)).toEqual([true, true]);
  });

  it('held down is one press, until it pauses', () => {
    const held = Array.from({ length: 50 }, (_, i) => i * 30);
    expect(press(...held)).toEqual([true, false]);
    expect(press(...held, 3_000)).toEqual([true, true]);
  });
});
