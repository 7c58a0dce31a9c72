import { Fault, type Code, type Facts } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { parsePlan, planProblems } from './index.js';
import { smallPlan } from './plan.fixture.js';

const faultOf = (value: unknown): { code: Code; facts: Facts; message: string } | undefined => {
  try {
    parsePlan(value);
    return undefined;
  } catch (error) {
    if (!Fault.is(error)) throw error;
    return error;
  }
};

describe('parsing a plan', () => {
  it('fills in the defaults', () => {
    const plan = parsePlan(smallPlan());
    expect(plan.training).toMatchObject({ schedule: 'constant', weightDecay: 0, classWeights: 'none' });
    expect(plan.training.optimizer).toEqual({ type: 'adam', learningRate: 0.001, beta1: 0.9, beta2: 0.999 });
    expect(plan.training.augmentation).toEqual({ flipHorizontal: false, flipVertical: false, shiftPixels: 0 });
    expect(plan.rounds).toMatchObject({ maxAttempts: 3, evaluateEvery: 1 });
    expect(plan.aggregation.weighting).toBe('examples');
    expect(plan.model.layers[1]).toMatchObject({ stride: [1, 1], padding: 'same', bias: true });
  });

  it('names the path, what was expected and what kind of thing came', () => {
    const plan = { ...smallPlan(), rounds: { ...smallPlan().rounds, count: 'five' } };
    expect(faultOf(plan)).toMatchObject({
      code: 'PLAN_INVALID',
      facts: { path: 'rounds.count', came: 'a string', problems: 1 },
    });
  });

  it('never repeats a value that it refuses', () => {
    const plan = { ...smallPlan(), title: 7, seed: 'mueller-patient-4711' };
    expect(faultOf(plan)?.message).not.toContain('4711');
    expect(JSON.stringify(planProblems(plan))).not.toContain('4711');
  });

  it.each([null, undefined, 7, 'schema: consilium.plan/1', [], [smallPlan()]])(
    'refuses %j, which is no object',
    (value) => {
      expect(faultOf(value)?.code).toBe('PLAN_INVALID');
      expect(planProblems(value).length).toBeGreaterThan(0);
    },
  );

  it('refuses a quorum of more sites than there are', () => {
    const plan = { ...smallPlan(), rounds: { ...smallPlan().rounds, minSites: 4 } };
    expect(faultOf(plan)).toMatchObject({ code: 'PLAN_INVALID', facts: { path: 'rounds.minSites' } });
  });

  it('refuses to freeze a layer that the model lacks, and a focus without a focal loss', () => {
    const training = { ...smallPlan().training, frozen: ['conv', 'backbone'] };
    expect(faultOf({ ...smallPlan(), training })).toMatchObject({ facts: { path: 'training.frozen' } });
    const focused = { ...smallPlan().training, focalGamma: 1 };
    expect(faultOf({ ...smallPlan(), training: focused })).toMatchObject({ facts: { path: 'training.focalGamma' } });
    expect(faultOf({ ...smallPlan(), training: { ...focused, loss: 'focal', frozen: ['conv'] } })).toBeUndefined();
  });

  it('refuses a field that it does not know, since it could not honour it', () => {
    expect(faultOf({ ...smallPlan(), deadline: 5 })?.code).toBe('PLAN_INVALID');
  });

  it.each(['\u001b[2J', 'a\u202eb', 'a\rb', 'bell\u0007', 'half \ud800 a pair'])(
    'refuses a title that would mislead the terminal it is read on: %j',
    (title) => {
      expect(faultOf({ ...smallPlan(), title })).toMatchObject({ code: 'PLAN_INVALID', facts: { path: 'title' } });
      expect(faultOf({ ...smallPlan(), purpose: title })).toMatchObject({ facts: { path: 'purpose' } });
    },
  );

  it.each(['Lungenrundherde – gutartig?', 'مطالعهٔ ریه', '肺結節 🫁'])('takes a title in any script: %s', (title) => {
    expect(faultOf({ ...smallPlan(), title })).toBeUndefined();
  });
});

describe('a plan that asks for privacy this release lacks', () => {
  const withPrivacy = (privacy: unknown) => ({ ...smallPlan(), privacy });

  it.each(['secure-aggregation', 'central-dp', 'local-dp', 'PLAIN'])('is not supported in mode %s', (mode) => {
    expect(faultOf(withPrivacy({ mode }))).toMatchObject({
      code: 'PLAN_NOT_SUPPORTED',
      facts: { path: 'privacy.mode', expected: 'plain' },
    });
  });

  it.each(['epsilon', 'delta', 'clipNorm', 'noiseMultiplier'])('is not supported with the field %s', (field) => {
    expect(faultOf(withPrivacy({ mode: 'plain', [field]: 1 }))).toMatchObject({
      code: 'PLAN_NOT_SUPPORTED',
      facts: { path: `privacy.${field}` },
    });
  });

  it('is told so even where something else is wrong, too', () => {
    expect(faultOf({ ...withPrivacy({ mode: 'secure-aggregation' }), seed: -1 })?.code).toBe('PLAN_NOT_SUPPORTED');
    const paths = planProblems({ ...withPrivacy({ mode: 'secure-aggregation' }), seed: -1 }).map(({ path }) => path);
    expect(paths).toEqual(['seed', 'privacy.mode']);
  });

  it.each([undefined, {}, { mode: 5 }, { mode: 'plain', colour: 'red' }, 'plain', []])(
    'is merely invalid when the section is malformed: %j',
    (privacy) => {
      expect(faultOf(withPrivacy(privacy))?.code).toBe('PLAN_INVALID');
    },
  );
});

describe('the model of a plan', () => {
  const withLayers = (...layers: unknown[]) => ({ ...smallPlan(), model: { layers } });
  const input = { type: 'input', name: 'image', shape: [8, 8, 1] };
  const flatten = { type: 'flatten', name: 'flat' };
  const dense = (units: number) => ({ type: 'dense', name: 'logit', units });

  it('is accepted when images go in and one number comes out', () => {
    expect(faultOf(withLayers(input, flatten, dense(1)))).toBeUndefined();
  });

  it('must take the images that preprocessing makes', () => {
    expect(faultOf(withLayers({ ...input, shape: [8, 9, 1] }, flatten, dense(1)))).toMatchObject({
      code: 'PLAN_INVALID',
      facts: { path: 'model.layers.0.shape', expected: '[8, 8, 1]', came: '[8, 9, 1]' },
    });
  });

  it('must take one channel', () => {
    expect(faultOf(withLayers({ ...input, shape: [8, 8, 3] }, flatten, dense(1)))?.code).toBe('PLAN_INVALID');
  });

  it('must end in one number', () => {
    expect(faultOf(withLayers(input, flatten, dense(2)))).toMatchObject({
      code: 'PLAN_INVALID',
      facts: { path: 'model.layers.2', expected: '[1]', came: '[2]' },
    });
  });

  it('must have layers that fit together', () => {
    const misfit = withLayers(input, { type: 'max-pool2d', name: 'pool', size: [31, 31] }, flatten, dense(1));
    expect(faultOf(misfit)?.code).toBe('GRAPH_INVALID');
    expect(planProblems(misfit)).toMatchObject([{ path: 'model.layers' }]);
  });

  it('must not read from a layer that is not there', () => {
    const dangling = withLayers(input, { ...flatten, from: 'nowhere' }, dense(1));
    expect(faultOf(dangling)?.code).toBe('GRAPH_INVALID');
  });
});

describe('the problems of a plan', () => {
  it('are none where the plan is accepted', () => {
    expect(planProblems(smallPlan())).toEqual([]);
  });

  it('are all told at once', () => {
    const plan = { ...smallPlan(), study: 'Lung', seed: 1.5, sites: [] };
    expect(planProblems(plan).map(({ path }) => path)).toEqual(['study', 'sites', 'seed']);
  });

  it('are none exactly where parsePlan accepts', () => {
    const layers = smallPlan().model.layers;
    for (const plan of [
      smallPlan(),
      { ...smallPlan(), seed: -1 },
      { ...smallPlan(), privacy: { mode: 'plain', epsilon: 1 } },
      { ...smallPlan(), model: { layers: layers.slice(0, 2) } },
    ]) {
      expect(planProblems(plan).length === 0).toBe(faultOf(plan) === undefined);
    }
  });
});
