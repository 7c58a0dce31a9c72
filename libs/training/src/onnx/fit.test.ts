import { graphSchema, initialise, type Graph } from '@consilium/model';
import { tensorOf, weightsOf, zeros } from '@consilium/weights';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openEngine, type Engine } from '../engine.js';
import type { FitState } from '../fitting/fit-state.js';
import type { FitJob, FitProgress } from '../job.js';
import { EVERY_2D_LAYER, EVERY_3D_LAYER, jobOn, LOGISTIC } from '../tensorflow/graphs.fixture.js';
import { fit } from './fit.js';
import { MLP, RESIDUAL, SMALL_CNN } from './graphs.fixture.js';
import { blocked, MACHINES, plain, relativeError } from './machines.fixture.js';
import { Session } from './session.js';

const original = Session.prototype.run;

let wasm: Engine;
beforeAll(async () => (wasm = await openEngine('wasm', LOGISTIC)));
afterAll(() => wasm.close());

const TERMS: [string, Partial<FitJob>][] = [
  ['plain descent', { optimizer: { type: 'sgd', momentum: 0 } }],
  ['momentum', { optimizer: { type: 'sgd', momentum: 0.9 } }],
  ['momentum and weight decay', { optimizer: { type: 'sgd', momentum: 0.9 }, weightDecay: 0.5 }],
  ['Adam', { optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999 } }],
  ['AdamW', { optimizer: { type: 'adam', beta1: 0.8, beta2: 0.99 }, weightDecay: 0.2 }],
  ['a rate that changes', { schedule: { shape: 'cosine', warmUpSteps: 2 } }],
  ['clipping', { clipNorm: 0.05 }],
  ['the FedProx term', { proximal: 3 }],
  ['balanced classes', { classWeights: 'balanced' }],
  ['augmentation', { augmentation: { flipHorizontal: true, flipVertical: true, shiftPixels: 1 } }],
  ['frozen layers', { frozen: ['conv1', 'norm'] }],
  ['layers of one site', { personal: ['norm', 'logit'] }],
];

describe.each(TERMS)('training with %s', (_, terms) => {
  it('does what the reference does, dropout and batch norm included', async () => {
    const job = jobOn(EVERY_2D_LAYER, { steps: 6, ...terms });
    const [ours, theirs] = [await fit(job, {}, plain), await wasm.fit(job)];
    expect(ours.loss).toBeCloseTo(theirs.loss, 5);
    expect(relativeError(ours.weights.values, theirs.weights.values)).toBeLessThan(1e-5);
    expect(ours.personal?.length).toBe(theirs.personal?.length);
  });
});

it('training with a SCAFFOLD correction does what the reference does', async () => {
  const { manifest } = initialise(LOGISTIC, 1);
  const correction = Float32Array.from({ length: manifest.size }, (_, i) => 0.1 * (i + 1));
  const job = jobOn(LOGISTIC, { correction });
  expect(relativeError((await fit(job, {}, plain)).weights.values, (await wasm.fit(job)).weights.values)).toBeLessThan(
    1e-6,
  );
});

it('a correction leaves alone what is not trained', async () => {
  const correction = new Float32Array(initialise(EVERY_2D_LAYER, 1).manifest.size).fill(1);
  const job = jobOn(EVERY_2D_LAYER, { correction, frozen: ['conv1'], steps: 1 });
  const { weights } = await fit(job, {}, plain);
  expect(tensorOf(weights, 'conv1/kernel')).toEqual(tensorOf(job.weights, 'conv1/kernel'));
  expect(tensorOf(weights, 'conv2/kernel')).not.toEqual(tensorOf(job.weights, 'conv2/kernel'));
});

describe.each(MACHINES)('in the %s layout', (_, machine) => {
  it.each<[string, Graph]>([
    ['images', EVERY_2D_LAYER],
    ['volumes', EVERY_3D_LAYER],
    ['residual blocks', RESIDUAL],
  ])('training on %s gives the same bits again, and others for another seed', async (__, graph) => {
    const job = jobOn(graph, { steps: 3 });
    const before = job.weights.values.slice();
    const first = await fit(job, {}, machine);
    expect(await fit(job, {}, machine)).toEqual(first);
    expect((await fit({ ...job, seed: [2] }, {}, machine)).weights.values).not.toEqual(first.weights.values);
    expect(job.weights.values).toEqual(before);
  });

  it('batch norm’s statistics move as the reference moves them', async () => {
    const job = jobOn(RESIDUAL, { steps: 2 });
    const [ours, theirs] = [await fit(job, {}, machine), await wasm.fit(job)];
    for (const tensor of ['stem_norm/moving_mean', 'b2_norm/moving_variance']) {
      expect(relativeError(tensorOf(ours.weights, tensor), tensorOf(theirs.weights, tensor))).toBeLessThan(1e-4);
      expect(relativeError(tensorOf(ours.weights, tensor), tensorOf(job.weights, tensor))).toBeGreaterThan(1e-3);
    }
  });

  it('a job that goes on from a state ends with the same bits as one without a break', async () => {
    const optimizer = { type: 'adam', beta1: 0.9, beta2: 0.999 } as const;
    const job = jobOn(EVERY_2D_LAYER, { steps: 6, optimizer });
    const states: FitState[] = [];
    const whole = await fit(job, { stateEvery: 2, onState: (state) => states.push(state) }, machine);
    expect(states.map(({ step }) => step)).toEqual([2, 4]);
    for (const resume of states) expect(await fit(job, { resume }, machine)).toEqual(whole);
  });
});

describe('a step of gradient descent', () => {
  it('is the one that can be computed by hand', async () => {
    // Zero weights predict ½, so ∂loss/∂logit is (½ − y) / 2 for each of two samples.
    const job = jobOn(LOGISTIC, {
      weights: zeros(initialise(LOGISTIC, 1).manifest),
      images: Float32Array.of(1, 2, 3, -1, 0, 5),
      labels: Uint8Array.of(1, 0),
      count: 2,
      batchSize: 2,
      steps: 1,
      optimizer: { type: 'sgd', momentum: 0 },
      learningRate: 0.1,
    });
    const { weights, loss, steps } = await fit(job, {}, plain);
    // kernel: −0.1 · (−¼ · [1, 2, 3] + ¼ · [−1, 0, 5]); bias: the two gradients cancel.
    [0.05, 0.05, -0.05].forEach((value, i) => expect(tensorOf(weights, 'logit/kernel')[i]).toBeCloseTo(value, 7));
    expect(tensorOf(weights, 'logit/bias')[0]).toBeCloseTo(0, 7);
    expect(loss).toBeCloseTo(Math.LN2, 6);
    expect(steps).toBe(1);
  });

  it('shrinks kernels and nothing else by weight decay', async () => {
    const job = jobOn(LOGISTIC, {
      weights: weightsOf(initialise(LOGISTIC, 1).manifest, Float32Array.of(1, 1, 1, 1)),
      steps: 1,
    });
    const [without, decayed] = [await fit(job, {}, plain), await fit({ ...job, weightDecay: 0.5 }, {}, plain)];
    const shrunk = without.weights.values.map((value, i) => value - decayed.weights.values[i]!);
    [0.005, 0.005, 0.005, 0].forEach((by, i) => expect(shrunk[i]).toBeCloseTo(by, 6));
  });
});

describe('training', () => {
  it('tells its progress after every step', async () => {
    const told: FitProgress[] = [];
    const { loss } = await fit(jobOn(LOGISTIC, { steps: 5 }), { onProgress: (progress) => told.push(progress) }, plain);
    expect(told.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(told.every(({ steps, microBatches }) => steps === 5 && microBatches === 1)).toBe(true);
    expect(loss).toBeCloseTo(told.reduce((sum, progress) => sum + progress.loss, 0) / 5, 12);
  });

  it('stops between steps when it is aborted', async () => {
    const abort = new AbortController();
    const steps: number[] = [];
    const onProgress = ({ step }: FitProgress): void => {
      steps.push(step);
      if (step === 3) abort.abort();
    };
    const work = fit(jobOn(LOGISTIC, { steps: 100 }), { onProgress, signal: abort.signal }, plain);
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED', facts: { step: 4 } });
    expect(steps).toEqual([1, 2, 3]);
  });

  it('lets other work of the process in between steps', async () => {
    let turns = 0;
    let done = false;
    const other = (): void => {
      turns++;
      if (!done) setImmediate(other);
    };
    setImmediate(other);
    await fit(jobOn(LOGISTIC, { steps: 20 }), {}, plain);
    done = true;
    expect(turns).toBeGreaterThanOrEqual(20);
  });

  it('stops with the step at which the loss is not finite', async () => {
    const job = jobOn(EVERY_2D_LAYER, { learningRate: 1e30, steps: 10 });
    await expect(fit(job, {}, blocked)).rejects.toMatchObject({
      code: 'TRAINING_NOT_FINITE',
      facts: { step: expect.any(Number) },
    });
  });

  it('gives no weights that are not finite, even if the last step made them so', async () => {
    const job = jobOn(LOGISTIC, { images: new Float32Array(24 * 3).fill(1e30), learningRate: 1e30, steps: 1 });
    await expect(fit(job, {}, plain)).rejects.toMatchObject({ code: 'TRAINING_NOT_FINITE', facts: { step: 1 } });
  });

  it('takes a batch larger than the data', async () => {
    expect((await fit(jobOn(MLP, { count: 3, batchSize: 8 }), {}, plain)).steps).toBe(4);
  });
});

describe('where memory runs out', () => {
  const parts = { step: 0, lossSum: 0, microBatches: 3 };

  it.each<[string, Graph]>([
    ['a graph whose samples stay apart', MLP],
    ['a convolutional one', SMALL_CNN],
  ])('the batch in parts gives what the whole gives: %s', async (_, graph) => {
    const optimizer = { type: 'sgd', momentum: 0 } as const;
    const job = jobOn(graph, { optimizer });
    const told: number[] = [];
    const onProgress = ({ microBatches }: FitProgress): unknown => told.push(microBatches);
    const resume: FitState = { ...parts, values: job.weights.values, slots: [] };
    const [whole, inParts] = [await fit(job, {}, plain), await fit(job, { resume, onProgress }, plain)];
    expect(inParts.loss).toBeCloseTo(whole.loss, 5);
    expect(relativeError(inParts.weights.values, whole.weights.values)).toBeLessThan(1e-6);
    expect(told).toEqual([3, 3, 3, 3]);
  });

  it('the job goes on from the step that failed, and says in how many parts', async () => {
    const job = jobOn(EVERY_2D_LAYER, { steps: 5 });
    const run = vi.spyOn(Session.prototype, 'run');
    run.mockImplementation(async function (this: Session, arrays) {
      const whole = arrays['images']!.length === job.batchSize * 240;
      if (whole && run.mock.calls.length >= 3) throw new Error('Failed to allocate memory for requested buffer');
      return original.call(this, arrays);
    });
    const told: number[] = [];
    await fit(job, { onProgress: ({ microBatches }) => told.push(microBatches) }, plain);
    run.mockRestore();
    expect(told).toEqual([1, 1, 2, 2, 2]);
  });

  it('even for one sample, that is said', async () => {
    const run = vi.spyOn(Session.prototype, 'run').mockRejectedValue(new Error('Failed to allocate memory'));
    await expect(fit(jobOn(MLP), {}, plain)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', facts: { samples: 1 } });
    run.mockRestore();
  });
});

describe('what does not fit is refused:', () => {
  it('no samples', async () => {
    const job = jobOn(LOGISTIC, { count: 0, images: new Float32Array(), labels: new Uint8Array() });
    await expect(fit(job, {}, plain)).rejects.toMatchObject({ code: 'DATA_EMPTY' });
  });

  it('another model’s weights', async () => {
    const job = jobOn(LOGISTIC, { weights: initialise(EVERY_3D_LAYER, 1) });
    await expect(fit(job, {}, plain)).rejects.toMatchObject({ code: 'WEIGHTS_MISMATCH' });
  });

  it('outputs for which there are no targets', async () => {
    const graph = graphSchema.parse({ layers: [LOGISTIC.layers[0], { type: 'dense', name: 'logits', units: 2 }] });
    await expect(fit(jobOn(graph), {}, plain)).rejects.toMatchObject({ code: 'GRAPH_INVALID' });
  });
});
