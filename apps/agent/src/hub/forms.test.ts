import { planDigest } from '@consilium/round';
import { services, type CoordinatorMessage, type CoordinatorMessageInit } from '@consilium/wire';
import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { NO_DIGEST, planOf, RUN } from '../plan.fixture.js';
import { METRICS } from '../twins.fixture.js';
import { readInstruction } from './incoming.js';
import { headerForm, sessionForm } from './wire-form.js';

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
    expect(readInstruction(arrived({ roundOffer: offer }))).toEqual({
      kind: 'round',
      ...round,
      planDigest: digest,
      modelDigest: NO_DIGEST,
      modelBytes: 100,
      evaluate: true,
      deadlineMs: 5000,
    });
    expect(codeOf({ planOffer: { run: RUN, planDigest: digest, planJson: Buffer.from('{}') } })).toBe('plan');
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
    ['an unknown outcome', { runEnded: { run: RUN, outcome: 'exploded' } }],
    ['nothing', {}],
  ])('is refused with %s', (_name, message) => {
    expect(codeOf(message)).toMatch(/^(MESSAGE_MALFORMED|REQUEST_INVALID)$/);
  });

  it('cannot ask for more than a week', () => {
    expect(readInstruction(arrived({ roundOffer: { ...offer, deadlineMs: 1e15 } }))).toMatchObject({
      deadlineMs: 604_800_000,
    });
  });
});

describe('what the site says', () => {
  it('names every metric, and gives no value where it is undefined', () => {
    const { examples, ...metrics } = METRICS;
    const { evaluation } = sessionForm({
      kind: 'evaluation',
      run: RUN,
      modelDigest: NO_DIGEST,
      examples,
      metrics,
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
      ...smuggled,
    } as const;
    expect(JSON.stringify(headerForm(header))).not.toContain('CANARY');
    expect(headerForm(header)).toMatchObject({ round: { run: RUN, round: 1, attempt: 1 }, metrics: [] });
  });
});
