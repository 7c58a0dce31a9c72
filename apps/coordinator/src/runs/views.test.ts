import type { Round, Run } from '@consilium/round';
import type { Digest, RunId, SiteName } from '@consilium/stdx';
import { manifestOf } from '@consilium/model';
import { describe, expect, it } from 'vitest';
import { alpha, beta, planOf } from '../fixtures/plan.fixture.js';
import { NO_METRICS } from '../metrics.js';
import type { EvaluationRecord, RoundRecord, RunRecord, UpdateRecord } from '../records.js';
import { Board } from './board.js';
import { versionOf } from './publication.js';
import { runSchema } from './shapes.js';
import { runView } from './views.js';

const { plan, record } = planOf();
const digest = (digit: string): Digest => digit.repeat(64) as Digest;
const approved = [alpha, beta];

const runOf = (state: Run, change: Partial<RunRecord> = {}): RunRecord => ({
  id: 'run-0000000001' as RunId,
  planDigest: record.digest,
  revision: 1,
  state,
  modelDigest: digest('0'),
  deadlineMs: null,
  standings: { [alpha]: { decision: 'approved', bytesUp: 10, bytesDown: 20, examples: 30 } },
  createdMs: 1,
  endedMs: null,
  ...change,
});
const roundOf = (number: number, attempt: number, state: Round, change: Partial<RoundRecord> = {}): RoundRecord => ({
  run: 'run-0000000001' as RunId,
  number,
  attempt,
  state,
  baseDigest: digest(String(number - 1)),
  modelDigest: state.phase === 'published' ? state.modelDigest : null,
  loss: null,
  auc: null,
  startedMs: 10 * number,
  deadlineMs: 0,
  endedMs: state.phase === 'published' || state.phase === 'abandoned' ? 10 * number + 5 : null,
  ...change,
});
const publishedRound = (number: number, attempt = 1) =>
  roundOf(
    number,
    attempt,
    { phase: 'published', contributors: approved, dropped: {}, modelDigest: digest(String(number)) },
    { loss: 0.5, auc: 0.8 },
  );
const training = (round: number, attempt: number): Run => ({
  phase: 'training',
  round,
  attempt,
  failedAttempts: 0,
  approved,
});
const evaluationOf = (site: SiteName, change: Partial<EvaluationRecord> = {}): EvaluationRecord => ({
  run: 'run-0000000001' as RunId,
  site,
  modelDigest: digest('2'),
  examples: 40,
  metrics: { ...NO_METRICS, auc: { value: 0.9, low: 0.8, high: 1 } },
  code: null,
  receivedMs: 0,
  ...change,
});
const view = (run: RunRecord, rounds: RoundRecord[] = [], evaluations: EvaluationRecord[] = [], board?: Board) =>
  runView({ run, plan, rounds, evaluations, ...(board && { board }) }, new Set([beta]));

describe('the picture of a run', () => {
  const pictures: [string, Run, RoundRecord[], { round: number; attempt: number }][] = [
    ['approval', { phase: 'approval', approved: [], rejected: [] }, [], { round: 0, attempt: 0 }],
    [
      'training',
      training(2, 3),
      [publishedRound(1), roundOf(2, 3, { phase: 'selection', joined: [] })],
      { round: 2, attempt: 3 },
    ],
    ['paused', { phase: 'paused', resumes: training(2, 4) as never }, [publishedRound(1)], { round: 2, attempt: 4 }],
    [
      'evaluation',
      { phase: 'evaluation', modelDigest: digest('2'), evaluated: [], approved },
      [publishedRound(1), publishedRound(2)],
      { round: 2, attempt: 1 },
    ],
    [
      'finished',
      { phase: 'finished', modelDigest: digest('2') },
      [publishedRound(1), publishedRound(2, 2)],
      { round: 2, attempt: 2 },
    ],
    ['failed', { phase: 'failed', code: 'RUN_FAILED' }, [publishedRound(1)], { round: 1, attempt: 1 }],
    ['cancelled', { phase: 'cancelled' }, [], { round: 0, attempt: 0 }],
  ];

  it.each(pictures)(
    'in %s has the form that is documented, and says where the run stands',
    (state, run, rounds, where) => {
      const picture = view(runOf(run), rounds);
      expect(runSchema.parse(picture)).toEqual(picture);
      expect(picture).toMatchObject({ state, rounds: 2, ...where });
      expect(picture.modelDigest).toBe(state === 'finished' ? digest('2') : null);
      expect(picture.code).toBe(state === 'failed' ? 'RUN_FAILED' : null);
    },
  );

  it('shows each site of the plan: who is here, what it decided, what it moved', () => {
    const [a, b] = view(runOf(training(1, 1))).sites;
    expect(a).toMatchObject({
      name: 'alpha',
      connected: false,
      decision: 'approved',
      bytesUp: 10,
      bytesDown: 20,
      examples: 30,
    });
    expect(b).toMatchObject({ name: 'beta', connected: true, decision: 'pending', bytesUp: 0, examples: null });
  });

  it('shows progress from memory, and none for a run that is only stored', () => {
    const run = runOf(training(1, 1));
    const board = new Board(plan.sites, run.standings);
    board.sawProgress(alpha, { step: 3, steps: 9, loss: 0.25 });
    expect(view(run, [], [], board).sites[0]).toMatchObject({ step: 3, steps: 9, loss: 0.25 });
    expect(view(run).sites[0]).toMatchObject({ step: 0, steps: plan.training.localSteps, loss: null });
  });

  it('says why a site’s update is not in the current round', () => {
    const state: Round = {
      phase: 'reporting',
      participants: approved,
      reported: [],
      dropped: { [beta]: 'update-refused' },
    };
    expect(view(runOf(training(1, 1)), [roundOf(1, 1, state)]).sites.map(({ dropped }) => dropped)).toEqual([
      null,
      'update-refused',
    ]);
  });

  it('shows a site’s own measurement, and none where it could not measure', () => {
    const evaluations = [evaluationOf(alpha), evaluationOf(beta, { code: 'DATA_EMPTY' })];
    const { sites } = view(runOf({ phase: 'finished', modelDigest: digest('2') }), [], evaluations);
    expect(sites[0]?.metrics).toMatchObject({ auc: { value: 0.9 }, loss: null, examples: 40 });
    expect(sites[1]?.metrics).toBeNull();
  });

  it('tells as history only what is over, in order, with the reason of what was abandoned', () => {
    const rounds = [
      roundOf(1, 1, { phase: 'abandoned', reason: 'too-few-updates' }),
      publishedRound(1, 2),
      roundOf(2, 1, { phase: 'aggregation', contributors: approved, dropped: {} }),
    ];
    expect(view(runOf(training(2, 1)), rounds).history).toEqual([
      {
        round: 1,
        attempt: 1,
        outcome: 'abandoned',
        reason: 'too-few-updates',
        contributors: [],
        loss: null,
        auc: null,
        modelDigest: null,
        startedMs: 10,
        endedMs: 15,
      },
      {
        round: 1,
        attempt: 2,
        outcome: 'published',
        reason: null,
        contributors: ['alpha', 'beta'],
        loss: 0.5,
        auc: 0.8,
        modelDigest: digest('1'),
        startedMs: 10,
        endedMs: 15,
      },
    ]);
  });
});

describe('a published version', () => {
  const update = (number: number, attempt: number, site: SiteName, examples: number): UpdateRecord => ({
    run: 'run-0000000001' as RunId,
    number,
    attempt,
    site,
    sha256: digest('e'),
    length: 1,
    examples,
    loss: null,
    metrics: NO_METRICS,
    committedMs: 0,
  });
  const version = (evaluations: EvaluationRecord[]) =>
    versionOf(runOf({ phase: 'finished', modelDigest: digest('2') }), {
      digest: digest('2'),
      manifest: manifestOf(plan.model),
      rounds: [roundOf(1, 1, { phase: 'abandoned', reason: 'stopped' }), publishedRound(1, 2), publishedRound(2)],
      updates: [
        update(1, 1, alpha, 9),
        update(1, 2, alpha, 1),
        update(1, 2, beta, 2),
        update(1, 2, 'late' as SiteName, 5),
        update(2, 1, beta, 3),
      ],
      evaluations,
      nowMs: 77,
    });

  it('names the updates of each published attempt that are in the model, and no others', () => {
    const { rounds, round, createdMs } = version([]);
    expect([round, createdMs]).toEqual([2, 77]);
    expect(
      rounds.map(({ round: number, attempt, baseDigest, modelDigest, updates }) => [
        number,
        attempt,
        baseDigest,
        modelDigest,
        updates.map(({ site, examples }) => [site, examples]),
      ]),
    ).toEqual([
      [
        1,
        2,
        digest('0'),
        digest('1'),
        [
          ['alpha', 1],
          ['beta', 2],
        ],
      ],
      [2, 1, digest('1'), digest('2'), [['beta', 3]]],
    ]);
  });

  it('has each site’s metrics and their mean over those that could measure', () => {
    const worse = { ...NO_METRICS, auc: { value: 0.7, low: 0.6, high: 0.8 } };
    const { metrics } = version([
      evaluationOf(alpha),
      evaluationOf(beta, { metrics: worse }),
      evaluationOf('gamma' as SiteName, { code: 'DATA_EMPTY', examples: 0 }),
    ]);
    expect(metrics.map(({ site, metrics: told }) => [site, told?.auc?.value])).toEqual([
      ['alpha', 0.9],
      ['beta', 0.7],
      ['gamma', undefined],
      [null, expect.closeTo(0.8, 12)],
    ]);
    expect(metrics.at(-1)?.examples).toBe(80);
  });

  it('has no mean where nobody could measure', () => {
    expect(version([evaluationOf(alpha, { code: 'DATA_EMPTY' })]).metrics).toMatchObject([
      { metrics: null },
      { site: null, metrics: null },
    ]);
    expect(version([]).metrics).toEqual([{ site: null, examples: 0, metrics: null }]);
  });
});
