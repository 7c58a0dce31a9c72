import { ManualClock } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { memoryTerminal } from '../testing/terminal.fixture.js';
import { runSteps } from './choose.js';
import { plainSteps } from './plain.js';
import type { Step } from './steps.js';

const steps = (clock: ManualClock): Step[] => [
  {
    title: 'Certificates',
    run: async (view) => {
      view.show(['a picture']);
      clock.advance(300);
      view.say('made the authority');
      return 'Certificates: 6 made';
    },
  },
  {
    title: 'Training',
    run: async () => {
      clock.advance(72_000);
      return 'Training: 20 rounds';
    },
  },
];

describe('steps without a terminal', () => {
  it('are lines with the time since the start, and no pictures', async () => {
    const lines: string[] = [];
    const clock = new ManualClock();
    await plainSteps(
      (line) => lines.push(line),
      clock,
      () => 80,
    )(steps(clock));
    expect(lines).toEqual([
      '   0.0 s  Certificates',
      '   0.3 s  made the authority',
      '   0.3 s  Certificates: 6 made',
      '   0.3 s  Training',
      '  72.3 s  Training: 20 rounds',
    ]);
  });

  it('stop at the first failure, which is thrown as it is', async () => {
    const clock = new ManualClock();
    const failure = new Error('no');
    const lines: string[] = [];
    const [, second] = steps(clock);
    const failing: Step = { title: 'Certificates', run: () => Promise.reject(failure) };
    await expect(
      plainSteps(
        (line) => lines.push(line),
        clock,
        () => 80,
      )([failing, second!]),
    ).rejects.toBe(failure);
    expect(lines).toEqual(['   0.0 s  Certificates']);
  });

  it('go to standard error with --json, so that standard output stays JSON', async () => {
    const terminal = memoryTerminal({ live: true });
    const clock = new ManualClock();
    await runSteps(terminal, clock, true)(steps(clock));
    expect(terminal.outLines).toEqual([]);
    expect(terminal.errLines).toHaveLength(5);
  });

  it('go to standard output in a pipe', async () => {
    const terminal = memoryTerminal();
    const clock = new ManualClock();
    await runSteps(terminal, clock, false)(steps(clock));
    expect(terminal.outLines).toHaveLength(5);
    expect(terminal.errLines).toEqual([]);
  });
});
