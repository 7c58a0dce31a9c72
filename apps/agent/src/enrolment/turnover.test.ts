import { describe, expect, it } from 'vitest';
import { Turnover } from './turnover.js';

function turnover() {
  const state = { calm: true, ended: 0 };
  const it = new Turnover(
    () => state.calm,
    () => void state.ended++,
  );
  return { state, it };
}

describe('a session’s turnover to a renewed certificate', () => {
  it('ends the session at once where nothing is under way', () => {
    const { state, it: turns } = turnover();
    turns.opening();
    turns.request();
    expect([state.ended, turns.isDue]).toEqual([1, true]);
  });

  it('waits for the work of a round, and looks again whenever something has happened', () => {
    const { state, it: turns } = turnover();
    state.calm = false;
    turns.request();
    turns.look();
    expect(state.ended).toBe(0);
    state.calm = true;
    turns.look();
    expect(state.ended).toBe(1);
  });

  it('is due until the next session is opened, whoever ended the last one', () => {
    const { it: turns } = turnover();
    turns.request();
    expect(turns.isDue).toBe(true);
    turns.opening();
    expect(turns.isDue).toBe(false);
  });

  it('cuts short the wait of whoever has no session at the time', () => {
    const { it: turns } = turnover();
    turns.opening();
    const { due } = turns;
    expect(due.aborted).toBe(false);
    turns.request();
    expect(due.aborted).toBe(true);
  });

  it('ends no session that nobody asked to end', () => {
    const { state, it: turns } = turnover();
    turns.look();
    expect([state.ended, turns.isDue]).toEqual([0, false]);
  });
});
