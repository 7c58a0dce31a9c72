import { startRun, type Round } from '@consilium/round';
import { utf8, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { manifestOf } from '@consilium/model';
import { encodeSafetensors, zeros } from '@consilium/weights';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alpha, beta, gamma, planOf } from '../fixtures/plan.fixture.js';
import type { RoundRecord, RunRecord } from '../records.js';
import { isMeasured, offerTo, owesUpdate, roundClosed, runEnded, withEvidence } from './offers.js';

const { plan, record } = planOf({ rounds: { evaluateEvery: 3 } });
const manifest = manifestOf(plan.model);
const terms = { plan, record, manifest, envelope: utf8(record.envelope!), roster: utf8('the roster') };
const modelDigest = 'd'.repeat(64) as Digest;
const bytes = encodeSafetensors(zeros(manifest)).byteLength;

const run = (state: RunRecord['state'], change: Partial<RunRecord> = {}): RunRecord => ({
  id: 'run-0000000001' as RunId,
  planDigest: record.digest,
  revision: 4,
  state,
  modelDigest,
  deadlineMs: 9000,
  standings: {},
  createdMs: 0,
  endedMs: null,
  ...change,
});
const round = (state: Round): RoundRecord => ({
  run: 'run-0000000001' as RunId,
  number: 2,
  attempt: 3,
  state,
  baseDigest: modelDigest,
  modelDigest: null,
  loss: null,
  auc: null,
  startedMs: 0,
  deadlineMs: 5000,
  endedMs: null,
});
const approved = [alpha, beta];
const training = run({ phase: 'training', round: 2, attempt: 3, failedAttempts: 0, approved });
const reporting = (change: object = {}) =>
  round({ phase: 'reporting', participants: approved, reported: [], dropped: {}, ...change });
const to = (site: SiteName, course: Parameters<typeof offerTo>[1], nowMs = 1000) =>
  offerTo(site, course, terms, nowMs)?.message;

describe('what a site owes', () => {
  it('is a decision, until it has decided', () => {
    const course = { run: run({ ...startRun(), approved: [alpha], rejected: [] } as RunRecord['state']), round: null };
    expect(to(alpha, course)).toBeUndefined();
    expect(to(beta, course)).toMatchObject({ planOffer: { run: course.run.id, planDigest: record.digest } });
    const { planEnvelope, roster } = to(beta, course)!.planOffer!;
    expect([planEnvelope, roster]).toEqual([Buffer.from(record.envelope!), Buffer.from('the roster')]);
    expect(to(gamma, course)).toBeUndefined();
  });

  it('is an update of the round’s base, with the time that is left', () => {
    expect(to(alpha, { run: training, round: reporting() })).toEqual({
      roundOffer: {
        round: { run: training.id, round: 2, attempt: 3 },
        planDigest: record.digest,
        modelDigest,
        modelBytes: bytes,
        evaluate: false,
        deadlineMs: 4000,
      },
    });
  });

  it('is never offered without a moment to do it', () => {
    const offer = to(alpha, { run: training, round: reporting() }, 99_999);
    expect(offer?.roundOffer?.deadlineMs).toBe(1);
  });

  it('is nothing once it reported or was dropped, or while the round gathers or adds up', () => {
    for (const state of [{ reported: [alpha] }, { dropped: { alpha: 'refused' } }]) {
      expect(to(alpha, { run: training, round: reporting(state) })).toBeUndefined();
    }
    for (const state of [
      { phase: 'selection', joined: approved },
      { phase: 'aggregation', contributors: approved, dropped: {} },
    ] as Round[]) {
      expect(to(alpha, { run: training, round: round(state) })).toBeUndefined();
    }
  });

  it('is its measurement of the last model, until that came', () => {
    const course = { run: run({ phase: 'evaluation', modelDigest, evaluated: [alpha], approved }), round: null };
    expect(to(alpha, course)).toBeUndefined();
    expect(to(beta, course)).toEqual({
      evaluationOffer: { run: course.run.id, planDigest: record.digest, modelDigest, modelBytes: bytes },
    });
  });

  it('is nothing in a run that pauses or is over', () => {
    const states: RunRecord['state'][] = [
      { phase: 'paused', resumes: training.state as never },
      { phase: 'finished', modelDigest },
      { phase: 'failed', code: 'RUN_FAILED' },
      { phase: 'cancelled' },
    ];
    for (const state of states) expect(to(alpha, { run: run(state), round: reporting() })).toBeUndefined();
  });

  it('is not fooled by a site that is called like a property of every object', () => {
    const odd = 'constructor' as SiteName;
    expect(owesUpdate(odd, reporting({ participants: [odd] }))).toBe(true);
  });
});

describe('evidence', () => {
  const evidence = { entry: Buffer.from('e'), index: 3, checkpoint: Buffer.from('c'), inclusion: [Buffer.alloc(32)] };

  it('goes with what a site acts on, under the subject of the very entry that names it', () => {
    const round = offerTo(alpha, { run: training, round: reporting() }, terms, 1000)!;
    expect(round.subject).toBe('round.offered run-0000000001 2 3');
    expect(withEvidence(round, evidence)).toMatchObject({
      key: round.key,
      message: { roundOffer: { modelDigest, evidence } },
    });
    const evaluating = run({ phase: 'evaluation', modelDigest, evaluated: [], approved });
    const evaluation = offerTo(alpha, { run: evaluating, round: null }, terms, 1000)!;
    expect(evaluation.subject).toBe('evaluation.offered run-0000000001');
    expect(withEvidence(evaluation, evidence).message).toMatchObject({ evaluationOffer: { modelDigest, evidence } });
  });

  it('is not needed to ask for a decision', () => {
    expect(offerTo(alpha, { run: run(startRun()), round: null }, terms, 1000)?.subject).toBeNull();
  });
});

describe('the name of an offer', () => {
  it('differs between attempts and stays the same within one, whatever the time', () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(20_000), (one, other) => {
        const course = { run: training, round: reporting() };
        expect(offerTo(alpha, course, terms, one)?.key).toBe(offerTo(beta, course, terms, other)?.key);
        const again = { ...course, round: { ...course.round, attempt: 4 } };
        expect(offerTo(alpha, again, terms, one)?.key).not.toBe(offerTo(alpha, course, terms, one)?.key);
      }),
    );
  });
});

it.each([
  [1, true],
  [2, false],
  [3, false],
  [4, true],
  [7, true],
])('with evaluateEvery 3 the model before round %i is measured: %s', (number, measured) => {
  expect(isMeasured(plan, number)).toBe(measured);
});

it('rounds and runs are closed with their outcome', () => {
  const published = round({ phase: 'published', contributors: approved, dropped: {}, modelDigest });
  expect(roundClosed(published)).toEqual({
    roundClosed: { round: { run: published.run, round: 2, attempt: 3 }, outcome: 'published' },
  });
  expect(roundClosed(round({ phase: 'abandoned', reason: 'stopped' }))).toMatchObject({
    roundClosed: { outcome: 'abandoned' },
  });
  expect(runEnded(run({ phase: 'failed', code: 'RUN_FAILED' }))).toEqual({
    runEnded: { run: training.id, outcome: 'failed' },
  });
});
