import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveSteps } from './live.js';
import type { Step } from './steps.js';

const { isTTY, columns, write } = process.stdout;
let written = '';

beforeEach(() => {
  written = '';
  process.stdout.isTTY = true;
  process.stdout.columns = 80;
  process.stdout.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    written += String(chunk);
    const done = rest.find((each) => typeof each === 'function') as (() => void) | undefined;
    done?.();
    return true;
  }) as typeof process.stdout.write;
});
afterEach(() => {
  process.stdout.isTTY = isTTY;
  process.stdout.columns = columns;
  process.stdout.write = write;
});

/** Everything that ever stood on the screen, without what moves the cursor and colours it. */
const shown = (): string => written.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

describe('steps on a terminal', () => {
  it('show what happens and the picture of the step that works, and end as one line each', async () => {
    const steps: Step[] = [
      {
        title: 'Certificates',
        run: async (view) => {
          view.say('made the authority');
          view.show(['one ━━──', 'two ────']);
          await tick();
          return 'Certificates: 6 made';
        },
      },
      { title: 'Training', run: () => Promise.resolve('Training: 20 rounds') },
    ];
    await liveSteps(() => 80)(steps);
    expect(shown()).toContain('made the authority\n    one ━━──\n    two ────');
    const last = shown().trimEnd().split('\n').slice(-2);
    expect(last.map((line) => line.slice(2))).toEqual(['Certificates: 6 made', 'Training: 20 rounds']);
  });

  it('give each line the room that the terminal has, and cut what is longer', async () => {
    let room = 0;
    const step: Step = {
      title: 'Wide',
      run: async (view) => {
        room = view.width();
        view.show(['x'.repeat(200)]);
        await tick();
        return 'Wide';
      },
    };
    await liveSteps(() => 80)([step]);
    expect(room).toBe(74);
    const longest = Math.max(
      ...shown()
        .split('\n')
        .map((line) => line.length),
    );
    expect(longest).toBeLessThan(80);
    expect(shown()).toContain(`${'x'.repeat(73)}…`);
  });

  it('keep only the latest happenings above the picture', async () => {
    const step: Step = {
      title: 'Talks',
      run: async (view) => {
        for (const word of ['first', 'second', 'third', 'fourth']) view.say(word);
        await tick();
        return 'Talked';
      },
    };
    await liveSteps(() => 80)([step]);
    expect(shown()).toContain('Talks\n  › second\n    third\n    fourth\n');
    expect(shown()).not.toContain('first\n    second\n    third\n    fourth');
  });

  it('do not mind what is told of a step that is over', async () => {
    let late = (_: string): void => {};
    const steps: Step[] = [
      { title: 'One', run: (view) => ((late = view.say), Promise.resolve('One')) },
      {
        title: 'Two',
        run: async () => {
          await tick();
          late('from before');
          await tick();
          return 'Two';
        },
      },
    ];
    await liveSteps(() => 80)(steps);
    expect(shown()).not.toContain('from before');
  });

  it('stop at the first failure, which is thrown as it is, and show the cursor again', async () => {
    const failure = new Error('no');
    const failing: Step = { title: 'Fails', run: () => Promise.reject(failure) };
    const never: Step = { title: 'Never', run: () => Promise.reject(new Error('not reached')) };
    await expect(liveSteps(() => 80)([failing, never])).rejects.toBe(failure);
    expect(written.lastIndexOf('\u001b[?25h')).toBeGreaterThan(written.lastIndexOf('\u001b[?25l'));
  });
});
