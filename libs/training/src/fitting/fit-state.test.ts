import { describe, expect, it } from 'vitest';
import { copyState, startState, type FitState } from './fit-state.js';

const STATE: FitState = {
  step: 3,
  values: Float32Array.of(1, 2),
  slots: [Float32Array.of(3, 4)],
  lossSum: 1.5,
  microBatches: 2,
};

describe('where a job begins', () => {
  it('is its weights, without history, in arrays of its own', () => {
    const weights = Float32Array.of(1, 2);
    const start = startState(weights, 10, undefined);
    expect(start).toEqual({ step: 0, values: weights, slots: [], lossSum: 0, microBatches: 1 });
    start.values[0] = 9;
    expect(weights[0]).toBe(1);
  });

  it('is a state that was kept, copied', () => {
    const start = startState(new Float32Array(2), 10, STATE);
    expect(start).toEqual(STATE);
    start.values[0] = 9;
    start.slots[0]![0] = 9;
    expect(STATE).toEqual(copyState(STATE));
    expect(STATE.values[0]).toBe(1);
    expect(STATE.slots[0]![0]).toBe(3);
  });

  it('is no state of a longer job or of another model', () => {
    expect(() => startState(new Float32Array(2), 2, STATE)).toThrow('a state of its own');
    expect(() => startState(new Float32Array(3), 10, STATE)).toThrow('a state of its own');
  });
});
