import { Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paintFor } from '../text/colour.js';
import { widthOf } from '../text/width.js';
import { startupBoard, type SiteStage } from './startup-board.js';
import { handled, lanes, orStopped } from './waiting.js';

const board = (
  stages: Record<string, SiteStage>,
  options: { width?: number; sitesMax?: number; colour?: boolean } = {},
): string[] =>
  startupBoard(new Map(Object.entries(stages)), {
    width: options.width ?? 74,
    sitesMax: options.sitesMax ?? 8,
    paint: paintFor(options.colour ?? false),
  });

describe('the board of the start', () => {
  it('shows how many hospitals are ready and what each does', () => {
    expect(
      board({ 'hospital-a': 'serves', 'hospital-b': 'starts', 'hospital-c': 'joins', external: 'images' }),
    ).toEqual([
      '1 of 4 hospitals ready  ━━━━━━━━━━━━━━━━━━━─────────────────────',
      'hospital-a  serves',
      'hospital-b  starts and tests its engine',
      'hospital-c  has its images and joins the federation',
      'external    makes its images',
    ]);
  });

  it('is full when all serve', () => {
    expect(board({ a: 'serves' })[0]).toBe(`1 of 1 hospital ready  ${'━'.repeat(40)}`);
  });

  it('counts the hospitals that a small terminal has no room for', () => {
    expect(board({ a: 'images', b: 'images', c: 'images' }, { sitesMax: 1 }).at(-1)).toBe('and 2 more hospitals');
  });

  it('has the same layout in colours', () => {
    const stages: Record<string, SiteStage> = { a: 'serves', b: 'images' };
    const coloured = board(stages, { colour: true });
    expect(coloured.map((line) => line.replace(/\u001b\[[0-9;]*m/g, ''))).toEqual(board(stages));
    expect(coloured[1]).toContain('\u001b[32mserves\u001b[39m');
  });

  it('never has a line wider than asked for', () => {
    const stage = fc.constantFrom<SiteStage>('images', 'joins', 'starts', 'serves');
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z-]{1,63}$/), stage, { maxKeys: 9 }),
        fc.integer({ min: 34, max: 120 }),
        (stages, width) => {
          for (const line of board(stages, { width })) expect(widthOf(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe('waiting', () => {
  it('answers what the work answers', async () => {
    expect(await orStopped(Promise.resolve(7), new AbortController().signal)).toBe(7);
    await expect(orStopped(Promise.reject(new Fault('DISK_FULL')), new AbortController().signal)).rejects.toMatchObject(
      { code: 'DISK_FULL' },
    );
  });

  it('ends at once when the work is to stop', async () => {
    const stop = new AbortController();
    const waiting = orStopped(new Promise(() => {}), stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(orStopped(new Promise(() => {}), stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('of nobody is no reason to end the program', async () => {
    const unheard: unknown[] = [];
    const listener = (reason: unknown): void => void unheard.push(reason);
    process.on('unhandledRejection', listener);
    void handled(Promise.reject(new Fault('DISK_FULL')));
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', listener);
    expect(unheard).toEqual([]);
  });
});

describe('lanes', () => {
  it('let so many work at a time, in the order in which they came, whatever becomes of each', async () => {
    const lane = lanes(2);
    const began: number[] = [];
    const ends: (() => void)[] = [];
    const outcomes = Array.from({ length: 5 }, (_, i) =>
      lane(async () => {
        began.push(i);
        await new Promise<void>((resolve) => ends.push(resolve));
        if (i === 0) throw new Fault('TIMEOUT');
        return i;
      }),
    );
    const settled = Promise.allSettled(outcomes);
    for (let over = 0; over < 5; over++) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(began).toEqual([0, 1, 2, 3, 4].slice(0, Math.min(5, over + 2)));
      ends[over]!();
    }
    expect((await settled).map(({ status }) => status)).toEqual([
      'rejected',
      ...['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
    ]);
  });
});
