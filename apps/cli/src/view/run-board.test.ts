import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_STATES } from '../run/states.js';
import { busyRun, metricsOf, passOf, runOf, siteOf } from '../testing/run.fixture.js';
import { paintFor } from '../text/colour.js';
import { widthOf } from '../text/width.js';
import { runBoard } from './run-board.js';

const board = (
  run = busyRun(),
  options: { width?: number; colour?: boolean; sitesMax?: number; nowMs?: number } = {},
): string[] =>
  runBoard(run, {
    width: options.width ?? 74,
    sitesMax: options.sitesMax ?? 8,
    nowMs: options.nowMs ?? 6_900,
    paint: paintFor(options.colour ?? false),
  });

/** The state column of the only site of a run. */
const told = (run: Parameters<typeof runOf>[0], site: Parameters<typeof siteOf>[1] = {}): string =>
  board(runOf({ ...run, sites: [siteOf('a', site)] }))[2]!.split(/\s{2,}/)[1]!;

describe('the board of a run', () => {
  it('at 80 columns shows where the run stands and what each site does', () => {
    expect(board()).toEqual([
      'round 7 of 20  ━━━━━━━━━━━━━───────────────────────────  33 %  0:13 left',
      'loss 0.500 in round 6, AUC 0.800 after round 5',
      'site                                       loss     sent  received',
      'hospital-a  ━━━━━━━━━━━━────────   18/30  0.512  1.25 MB   1.30 MB',
      'hospital-b  ━━━━━━━━━━━━━━━━━━━━   30/30  0.400   117 kB     900 B',
      'hospital-c  away                              –      0 B       0 B',
      'hospital-d  dropped: deadline-passed          –      0 B       0 B',
    ]);
  });

  it('at 120 columns gives the bars the room', () => {
    expect(board(busyRun(), { width: 114 })).toEqual([
      'round 7 of 20  ━━━━━━━━━━━━━───────────────────────────  33 %  0:13 left',
      'loss 0.500 in round 6, AUC 0.800 after round 5',
      'site                                                   loss     sent  received',
      'hospital-a  ━━━━━━━━━━━━━━━━━━━─────────────   18/30  0.512  1.25 MB   1.30 MB',
      'hospital-b  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━   30/30  0.400   117 kB     900 B',
      'hospital-c  away                                          –      0 B       0 B',
      'hospital-d  dropped: deadline-passed                      –      0 B       0 B',
    ]);
  });

  it('shows each site’s measure once the final model is measured', () => {
    const sites = [siteOf('hospital-a', { loss: 0.4, metrics: metricsOf(0.831) }), siteOf('hospital-b')];
    expect(board(runOf({ state: 'evaluation', sites })).slice(-3)).toEqual([
      'site                                       loss    AUC  sent  received',
      'hospital-a  measured                      0.400  0.831   0 B       0 B',
      'hospital-b  measures                          –      –   0 B       0 B',
    ]);
  });

  it('with colours has the same layout', () => {
    const coloured = board(busyRun(), { colour: true });
    expect(coloured.map((line) => line.replace(/\u001b\[[0-9;]*m/g, ''))).toEqual(board());
    expect(coloured[3]).toContain('\u001b[36m━');
    expect(coloured[5]).toContain('\u001b[33maway\u001b[39m');
  });

  it('counts the sites that a small terminal has no room for', () => {
    const lines = board(busyRun(), { sitesMax: 3 });
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)).toBe('and 1 more site');
  });

  it('never has a line wider than asked for, whatever the sites are called and do', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/);
    const site = fc.record({
      name,
      connected: fc.boolean(),
      step: fc.nat(30),
      dropped: fc.constantFrom(null, 'deadline-passed', 'update-refused'),
      bytesUp: fc.nat(),
    });
    const run = fc.record({
      state: fc.constantFrom(...RUN_STATES),
      sites: fc.array(site, { maxLength: 6 }),
      round: fc.nat(20),
    });
    fc.assert(
      fc.property(run, fc.integer({ min: 60, max: 140 }), (given, width) => {
        const sites = given.sites.map(({ name: siteName, ...rest }) => siteOf(siteName, { ...rest, steps: 30 }));
        for (const line of board(runOf({ ...given, sites }), { width }))
          expect(widthOf(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('the headline', () => {
  const head = (run: Parameters<typeof runOf>[0]): string => board(runOf(run))[0]!;

  it('is followed by the means over the sites, once a round is published', () => {
    expect(board(runOf({ history: [passOf(1)] }))[1]).toBe('loss 0.500 in round 1, AUC 0.800 before it');
    // Measured every other round: the last measure is an older one.
    expect(board(runOf({ history: [passOf(1), passOf(2), passOf(3, { auc: null })] }))[1]).toBe(
      'loss 0.500 in round 3, AUC 0.800 after round 1',
    );
    expect(board(runOf())[1]).toMatch(/^site/);
  });

  it('says when the sites still decide', () => {
    expect(head({ state: 'approval', round: 0 })).toBe('the sites decide about the plan');
  });

  it('names the attempt once a round had to be repeated', () => {
    expect(head({ round: 3, attempt: 2 })).toMatch(/^round 3 of 20, attempt 2 {2}/);
  });

  it('shows no time left before the first round has told how long one takes', () => {
    expect(head({ round: 1 })).toMatch(/ {2}0 %$/);
  });

  it('says that a run is paused, and since when', () => {
    expect(head({ state: 'paused', round: 4, history: [1, 2, 3].map((round) => passOf(round)) })).toMatch(
      /^paused in round 4 of 20 .* 15 %$/,
    );
  });

  it('ends with a full bar and no countdown', () => {
    expect(head({ state: 'finished' })).toBe(`finished  ${'━'.repeat(40)}`);
  });

  it.each(['failed', 'cancelled'] as const)('says %s', (state) => {
    expect(head({ state })).toMatch(new RegExp(`^${state}`));
  });
});

describe('what a site does', () => {
  it.each([
    ['decides', { state: 'approval' }, { decision: 'pending' }],
    ['approved', { state: 'approval' }, { decision: 'approved' }],
    ['rejected the plan', { state: 'approval' }, { decision: 'rejected' }],
    ['waits', { state: 'training' }, { steps: 0 }],
    ['away', { state: 'training' }, { connected: false, step: 3, steps: 30 }],
    ['paused', { state: 'paused' }, { step: 3, steps: 30 }],
    ['measures', { state: 'evaluation' }, {}],
    ['measured', { state: 'evaluation' }, { metrics: metricsOf(0.8) }],
    ['done', { state: 'finished' }, {}],
    ['dropped: disconnected', { state: 'training' }, { dropped: 'disconnected', step: 3, steps: 30 }],
  ] as const)('%s', (word, run, site) => {
    expect(told(run, site)).toBe(word);
  });

  it('is a bar with steps while it trains', () => {
    expect(told({ state: 'training' }, { step: 15, steps: 30 })).toMatch(/^━+─+$/);
  });
});
