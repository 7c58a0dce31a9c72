import { planDigest } from '@consilium/round';
import { services, type CoordinatorMessage, type CoordinatorMessageInit } from '@consilium/wire';
import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { NO_DIGEST, planOf, RUN } from '../plan.fixture.js';
import { SHARED } from '../twins.fixture.js';
import { readInstruction } from './incoming.js';
import { headerForm, helloForm, sessionForm } from './wire-form.js';

const digest = planDigest(planOf());
/** As it comes from the wire, with every default filled in. */
const arrived = (message: CoordinatorMessageInit): CoordinatorMessage => {
  const { responseSerialize, responseDeserialize } = services.rounds.Session;
  return responseDeserialize(responseSerialize(message as CoordinatorMessage)) as CoordinatorMessage;
};
const codeOf = (message: CoordinatorMessageInit): string => {
  try {
    return readInstruction(arrived(message)).kind;
  } catch (error) {
    return Fault.from(error).code;
  }
};

/** As the wire gives them. */
const bytes = (text: string): Buffer => Buffer.from(text);
const evidence = { entry: bytes('entry'), index: 7, checkpoint: bytes('note'), inclusion: [bytes('hash')] };

describe('what the coordinator says', () => {
  const round = { run: RUN, round: 2, attempt: 1 };
  const offer = {
    round,
    planDigest: digest,
    modelDigest: NO_DIGEST,
    modelBytes: 100,
    evaluate: true,
    deadlineMs: 5000,
  };

  it('is read into an instruction with checked ids', () => {
    expect(readInstruction(arrived({ roundOffer: { ...offer, evidence } }))).toEqual({
      kind: 'round',
      ...round,
      planDigest: digest,
      modelDigest: NO_DIGEST,
      modelBytes: 100,
      evaluate: true,
      deadlineMs: 5000,
      evidence: { entry: bytes('entry'), index: 7, note: bytes('note'), inclusion: [bytes('hash')] },
    });
    const plan = { run: RUN, planDigest: digest, planJson: bytes('{}'), planEnvelope: bytes('e'), roster: bytes('r') };
    expect(readInstruction(arrived({ planOffer: plan }))).toEqual({ kind: 'plan', ...plan });
    expect(codeOf({ evaluationOffer: { run: RUN, planDigest: digest, modelDigest: NO_DIGEST, modelBytes: 1 } })).toBe(
      'evaluation',
    );
    expect(codeOf({ roundClosed: { round, outcome: 'abandoned' } })).toBe('round-closed');
    expect(codeOf({ runEnded: { run: RUN, outcome: 'finished' } })).toBe('run-ended');
  });

  it.each<[string, CoordinatorMessageInit]>([
    ['no round', { roundOffer: { ...offer, round: null } }],
    ['round zero', { roundOffer: { ...offer, round: { ...round, round: 0 } } }],
    ['no deadline', { roundOffer: { ...offer, deadlineMs: 0 } }],
    ['an empty model', { roundOffer: { ...offer, modelBytes: 0 } }],
    ['an id that is not minted', { roundOffer: { ...offer, round: { ...round, run: '../../etc' } } }],
    ['a digest that is not one', { roundOffer: { ...offer, modelDigest: 'abc' } }],
    ['a size beyond what a number can hold', { witnessRequest: { oldSize: 2 ** 60 } }],
    ['a cosignature that is no text', { witnessAnswer: { cosignature: Buffer.from([0xff]) } }],
    ['an unknown outcome', { runEnded: { run: RUN, outcome: 'exploded' } }],
    ['nothing', {}],
  ])('is refused with %s', (_name, message) => {
    expect(codeOf(message)).toMatch(/^(MESSAGE_MALFORMED|REQUEST_INVALID)$/);
  });

  it('without evidence is read as an offer that proves nothing, so that it is answered with a refusal', () => {
    expect(readInstruction(arrived({ roundOffer: offer }))).toMatchObject({
      evidence: { entry: new Uint8Array(), note: new Uint8Array(), inclusion: [] },
    });
  });

  it('about logs is read as it came', () => {
    const request = { note: bytes('note'), oldSize: 3, consistency: [bytes('hash')] };
    expect(readInstruction(arrived({ witnessRequest: request }))).toEqual({ kind: 'witness-request', ...request });
    const answer = { size: 4, cosignature: bytes('— line'), knownSize: 4, code: '' };
    expect(readInstruction(arrived({ witnessAnswer: answer }))).toEqual({
      kind: 'witness-answer',
      size: 4,
      cosignature: '— line',
      knownSize: 4,
    });
    expect(readInstruction(arrived({ witnessAnswer: { size: 4, knownSize: 2, code: 'LEDGER_FORKED' } }))).toMatchObject(
      {
        cosignature: null,
        knownSize: 2,
      },
    );
  });

  it('cannot ask for more than a week', () => {
    expect(readInstruction(arrived({ roundOffer: { ...offer, deadlineMs: 1e15 } }))).toMatchObject({
      deadlineMs: 604_800_000,
    });
  });
});

describe('what the site says', () => {
  it('names every metric, and gives no value where it is undefined', () => {
    const { evaluation } = sessionForm({
      kind: 'evaluation',
      run: RUN,
      modelDigest: NO_DIGEST,
      examples: 12,
      metrics: SHARED,
      code: null,
    });
    expect(evaluation?.metrics?.map(({ name }) => name)).toEqual([
      'METRIC_NAME_LOSS',
      'METRIC_NAME_AUC',
      'METRIC_NAME_ACCURACY',
      'METRIC_NAME_SENSITIVITY',
      'METRIC_NAME_SPECIFICITY',
      'METRIC_NAME_BRIER',
    ]);
    expect(evaluation?.metrics?.[1]).toEqual({ name: 'METRIC_NAME_AUC', value: 0.8, low: 0.79, high: 0.81 });
    expect(evaluation?.metrics?.[4]).toEqual({ name: 'METRIC_NAME_SPECIFICITY' });
  });

  it('is nothing at all where there is nothing: no approval, no cosignature, no checkpoint', () => {
    const decision = {
      kind: 'plan-decision',
      run: RUN,
      planDigest: digest,
      approved: false,
      code: 'PLAN_REJECTED',
    } as const;
    expect(sessionForm({ ...decision, envelope: null }).planDecision?.envelope).toEqual(bytes(''));
    expect(sessionForm({ ...decision, envelope: bytes('signed') }).planDecision?.envelope).toEqual(bytes('signed'));
    const refused = {
      kind: 'witness-answer',
      size: 3,
      knownSize: 3,
      code: 'LEDGER_FORKED',
      cosignature: null,
    } as const;
    expect(sessionForm(refused).witnessAnswer).toMatchObject({ cosignature: bytes(''), code: 'LEDGER_FORKED' });
    const hello = {
      kind: 'hello',
      protocolVersion: 1,
      features: [],
      software: 'a',
      coordinatorCheckpoint: 'note',
      ownCheckpoint: null,
    } as const;
    expect(helloForm({ ...hello, features: [] })).toMatchObject({
      coordinatorCheckpoint: bytes('note'),
      ownCheckpoint: bytes(''),
    });
  });

  it('says a withdrawal and a checkpoint in the protocol’s words', () => {
    expect(sessionForm({ kind: 'plan-withdrawal', run: RUN, planDigest: digest })).toEqual({
      planWithdrawal: { run: RUN, planDigest: digest },
    });
    const checkpoint = { kind: 'site-checkpoint', note: 'note', oldSize: 2, consistency: [bytes('hash')] } as const;
    expect(sessionForm({ ...checkpoint, consistency: [...checkpoint.consistency] }).siteCheckpoint).toEqual({
      note: bytes('note'),
      oldSize: 2,
      consistency: [bytes('hash')],
    });
  });

  it('carries only the fields of the protocol', () => {
    const smuggled = { note: 'CANARY' };
    const refusal = { kind: 'round-refusal', run: RUN, round: 1, attempt: 1, code: 'DATA_EMPTY', ...smuggled } as const;
    expect(JSON.stringify(sessionForm(refusal))).not.toContain('CANARY');
    const header = {
      kind: 'update-header',
      run: RUN,
      round: 1,
      attempt: 1,
      planDigest: digest,
      modelDigest: NO_DIGEST,
      length: 4,
      sha256: NO_DIGEST,
      examples: 1,
      loss: 0,
      metrics: null,
      statement: bytes('signed'),
      ...smuggled,
    } as const;
    expect(JSON.stringify(headerForm(header))).not.toContain('CANARY');
    expect(headerForm(header)).toMatchObject({ round: { run: RUN, round: 1, attempt: 1 }, metrics: [] });
  });
});
