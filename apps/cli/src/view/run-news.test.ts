import { describe, expect, it } from 'vitest';
import { MODEL_DIGEST, passOf, runOf, siteOf } from '../testing/run.fixture.js';
import { passLine, runNews } from './run-news.js';

const deciding = runOf({
  state: 'approval',
  round: 0,
  sites: [siteOf('a', { decision: 'pending' }), siteOf('b', { decision: 'pending' })],
});

describe('the news of a run', () => {
  it('are none when nothing changed', () => {
    expect(runNews(runOf(), runOf())).toEqual([]);
  });

  it('are none for mere progress within a round', () => {
    expect(
      runNews(
        runOf(),
        runOf({ sites: [siteOf('hospital-a', { step: 3, steps: 30, bytesUp: 9 }), siteOf('hospital-b')] }),
      ),
    ).toEqual([]);
  });

  it('tell each site’s decision once', () => {
    const one = { ...deciding, sites: [siteOf('a', { decision: 'approved' }), siteOf('b', { decision: 'pending' })] };
    const both = { ...deciding, sites: [siteOf('a', { decision: 'approved' }), siteOf('b', { decision: 'rejected' })] };
    expect(runNews(deciding, one)).toEqual(['a approved the plan']);
    expect(runNews(one, both as typeof one)).toEqual(['b rejected the plan']);
  });

  it('tell each published round with its loss, the AUC before it and its time', () => {
    const before = runOf({ round: 3, history: [passOf(3, { endedMs: null, outcome: 'reporting' })] });
    expect(runNews(before, runOf({ round: 4, history: [passOf(3)] }))).toEqual([
      'round 3 of 20: 2 sites, loss 0.500, AUC before it 0.800, 0.9 s',
    ]);
  });

  it('tell several rounds that ended at once, in their order', () => {
    const lines = runNews(runOf(), runOf({ history: [passOf(1), passOf(2)] }));
    expect(lines.map((line) => line.slice(0, 7))).toEqual(['round 1', 'round 2']);
  });

  it('tell a late watcher the last round only, and where the run stands', () => {
    expect(
      runNews(undefined, runOf({ round: 6, sites: [], history: [1, 2, 3, 4, 5].map((round) => passOf(round)) })),
    ).toEqual([
      'round 5 of 20: 2 sites, loss 0.500, AUC before it 0.800, 0.9 s',
      'run-0a1b2c3d4e: trains, round 6 of 20',
    ]);
  });

  it('tell that a site went away, came back, or was dropped', () => {
    const away = runOf({ sites: [siteOf('hospital-a', { connected: false }), siteOf('hospital-b')] });
    const dropped = runOf({
      round: 2,
      sites: [siteOf('hospital-a'), siteOf('hospital-b', { dropped: 'deadline-passed' })],
    });
    expect(runNews(runOf(), away)).toEqual(['hospital-a is away']);
    expect(runNews(away, runOf())).toEqual(['hospital-a is back']);
    expect(runNews(runOf(), dropped)).toEqual(['hospital-b was dropped from round 2: deadline-passed']);
    expect(runNews(dropped, dropped)).toEqual([]);
  });

  it('do not tell of sites that leave after the end', () => {
    const ended = runOf({ state: 'finished', modelDigest: MODEL_DIGEST });
    expect(runNews(ended, { ...ended, sites: ended.sites.map((site) => ({ ...site, connected: false })) })).toEqual([]);
  });

  it.each([
    ['paused', { state: 'paused', round: 4 }, 'run-0a1b2c3d4e: paused in round 4 of 20'],
    ['evaluation', { state: 'evaluation' }, 'run-0a1b2c3d4e: the sites measure the final model'],
    ['finished', { state: 'finished', modelDigest: MODEL_DIGEST }, `run-0a1b2c3d4e: finished, model ${MODEL_DIGEST}`],
    ['failed', { state: 'failed', code: 'PLAN_REJECTED' }, 'run-0a1b2c3d4e: failed with PLAN_REJECTED'],
    ['cancelled', { state: 'cancelled' }, 'run-0a1b2c3d4e: cancelled'],
  ] as const)('tell that a run is %s', (_, run, line) => {
    expect(runNews(runOf(), runOf(run))).toEqual([line]);
  });

  it('tell that training goes on after a pause', () => {
    expect(runNews(runOf({ state: 'paused' }), runOf({ round: 4 }))).toEqual(['run-0a1b2c3d4e: trains, round 4 of 20']);
  });
});

describe('a round’s line', () => {
  it('leaves out what is undefined', () => {
    expect(passLine(passOf(1, { loss: null, auc: null, contributors: ['a'] }), 20)).toBe(
      'round 1 of 20: 1 site, 0.9 s',
    );
  });

  it('names the attempt and the reason of an abandoned one', () => {
    expect(passLine(passOf(2, { attempt: 3, outcome: 'abandoned', reason: 'too-few-updates' }), 20)).toBe(
      'round 2 of 20, attempt 3: abandoned, too-few-updates',
    );
  });
});
