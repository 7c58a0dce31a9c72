import { graphSchema, initialise, outputShapeOf, sizeOf, type Graph } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine, type Engine } from '../engine.js';
import type { FitState } from '../fitting/fit-state.js';
import type { LossName } from '../fitting/loss/loss.js';
import type { FitJob, GradientJob } from '../job.js';
import { OPERATIONS } from '../self-test/operations.js';
import { EVERY_2D_LAYER, EVERY_3D_LAYER, jobOn, LOGISTIC } from '../tensorflow/graphs.fixture.js';
import { openTorch } from './open.js';
import { NEEDED, PYTHON } from './python.fixture.js';

/** PyTorch computes on its own, so where it agrees both are right. */
let torch: Engine;
let cpu: Engine;
let wasm: Engine;
beforeAll(async () => {
  if (!PYTHON) return;
  torch = await openTorch({ python: PYTHON, device: 'cpu' }, LOGISTIC);
  cpu = await openEngine('cpu', LOGISTIC);
  wasm = await openEngine('wasm', LOGISTIC);
});
afterAll(() => [torch, cpu, wasm].forEach((engine) => engine?.close()));

const normOf = (values: Float32Array): number => Math.hypot(...values);
const distance = (a: Float32Array, b: Float32Array): number => normOf(a.map((value, i) => value - b[i]!));

describe.skipIf(!PYTHON).each(OPERATIONS)(`$name${NEEDED}`, ({ name, graph, rows, samples }) => {
  const weights = initialise(graph, 11);
  it('has the values and the gradient of the reference', async () => {
    const [came, expected] = [
      await torch.predict(graph, weights, rows, samples, 'none'),
      await cpu.predict(graph, weights, rows, samples, 'none'),
    ];
    expect(distance(came, expected)).toBeLessThan(1e-5 * Math.max(1, normOf(expected)));

    const random = seededRandom('targets', name);
    const labels = Float32Array.from({ length: samples * sizeOf(outputShapeOf(graph)) }, () => random.normal());
    const job: GradientJob = {
      graph,
      weights,
      images: rows,
      labels,
      count: samples,
      loss: 'mean-squared-error',
      classWeights: 'none',
    };
    const [ours, reference] = [await torch.gradient(job), await cpu.gradient(job)];
    expect(Math.abs(ours.loss - reference.loss)).toBeLessThan(1e-5 * Math.max(1, reference.loss));
    expect(distance(ours.gradient, reference.gradient)).toBeLessThan(1e-3 * normOf(reference.gradient) + 1e-7);
  });
});

const MLP = graphSchema.parse({
  layers: [
    { type: 'input', name: 'features', shape: [10] },
    { type: 'dense', name: 'hidden', units: 16 },
    { type: 'activation', name: 'gelu', function: 'gelu' },
    { type: 'dropout', name: 'drop', rate: 0.3 },
    { type: 'dense', name: 'logit', units: 1 },
  ],
});
const SMALL_CNN = graphSchema.parse({
  layers: [
    { type: 'input', name: 'image', shape: [12, 12, 1] },
    { type: 'conv2d', name: 'conv1', filters: 8, kernel: [3, 3] },
    { type: 'activation', name: 'relu1', function: 'relu' },
    { type: 'max-pool2d', name: 'pool1', size: [2, 2] },
    { type: 'conv2d', name: 'conv2', filters: 8, kernel: [3, 3] },
    { type: 'activation', name: 'relu2', function: 'relu' },
    { type: 'flatten', name: 'flat' },
    { type: 'dense', name: 'logit', units: 1 },
  ],
});

const GRAPHS: [string, Graph][] = [
  ['an MLP with dropout', MLP],
  ['a small CNN', SMALL_CNN],
  ['every layer of images', EVERY_2D_LAYER],
  ['every layer of volumes', EVERY_3D_LAYER],
];
const ADAM = { type: 'adam', beta1: 0.9, beta2: 0.999 } as const;

describe.skipIf(!PYTHON).each(GRAPHS)(`training %s${NEEDED}`, (_, graph) => {
  const terms: Partial<FitJob>[] = [
    { optimizer: { type: 'sgd', momentum: 0 } },
    { optimizer: { type: 'sgd', momentum: 0.9 }, clipNorm: 0.1, weightDecay: 0.2 },
    { optimizer: ADAM, weightDecay: 0.1, proximal: 0.5, schedule: { shape: 'cosine', warmUpSteps: 1 } },
  ];
  it.each(terms)('takes the steps of the other engines, masks and all: %j', async (changes) => {
    const correction = initialise(graph, 5).values.map((value) => value / 50);
    const job = jobOn(graph, { ...changes, correction, steps: 3, classWeights: 'balanced' });
    const [ours, reference] = [await torch.fit(job), await wasm.fit(job)];
    expect(Math.abs(ours.loss - reference.loss)).toBeLessThan(1e-5);
    const moved = distance(reference.weights.values, job.weights.values);
    expect(distance(ours.weights.values, reference.weights.values)).toBeLessThan(1e-3 * moved);
  });
});

describe.skipIf(!PYTHON)(`the engine of PyTorch${NEEDED}`, () => {
  it.each(GRAPHS.slice(0, 2))('goes the same way for 20 free steps: %s', async (_, graph) => {
    const losses = async (engine: Engine): Promise<number[]> => {
      const told: number[] = [];
      await engine.fit(jobOn(graph, { steps: 20 }), { onProgress: ({ loss }) => told.push(loss) });
      return told;
    };
    const [ours, reference] = [await losses(torch), await losses(wasm)];
    expect(ours).toHaveLength(20);
    ours.forEach((loss, i) => expect(Math.abs(loss - reference[i]!)).toBeLessThan(1e-4));
  });

  it('gives the same bits again, and when it goes on from a state', async () => {
    const job = jobOn(EVERY_2D_LAYER, { steps: 6, optimizer: ADAM, frozen: ['conv1'] });
    const states: FitState[] = [];
    const whole = await torch.fit(job, { onState: (state) => states.push(state), stateEvery: 2 });
    expect(await torch.fit(job)).toEqual(whole);
    for (const resume of states) expect(await torch.fit(job, { resume })).toEqual(whole);
    expect(states.map(({ step }) => step)).toEqual([2, 4]);
  });

  const LOSSES: [LossName, Graph, number, number][] = [
    ['binary-cross-entropy', LOGISTIC, 1, 1],
    ['focal', LOGISTIC, 1, 1],
    ['cox-partial-likelihood', LOGISTIC, 2, 1],
    ['softmax-cross-entropy', { layers: [MLP.layers[0]!, { ...MLP.layers[1]!, name: 'classes' }] } as Graph, 1, 15],
    ['mean-squared-error', { layers: [MLP.layers[0]!, MLP.layers[1]!] }, 16, 4],
    ['dice', { layers: SMALL_CNN.layers.slice(0, 2) }, 12 * 12 * 8, 1],
  ];
  it.each(LOSSES)('has the loss %s', async (loss, graph, targets, highest) => {
    const random = seededRandom('labels', loss);
    const labels = Float32Array.from({ length: 24 * targets }, () => random.integer(highest + 1));
    const { images, weights, count } = jobOn(graph);
    const job: GradientJob = { graph, weights, images, count, labels, loss, classWeights: 'none' };
    const [ours, reference] = [await torch.gradient(job), await cpu.gradient(job)];
    expect(ours.loss).toBeCloseTo(reference.loss, 5);
    expect(distance(ours.gradient, reference.gradient)).toBeLessThan(1e-4 * normOf(reference.gradient));
  });

  it('stops when it is aborted, and when the loss is not finite', async () => {
    const abort = new AbortController();
    const onProgress = ({ step }: { step: number }): void => (step === 2 ? abort.abort() : undefined);
    const aborted = torch.fit(jobOn(MLP, { steps: 50 }), { signal: abort.signal, onProgress });
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED', facts: { step: 3 } });
    const wild = jobOn(SMALL_CNN, { learningRate: 1e30, steps: 10 });
    await expect(torch.fit(wild)).rejects.toMatchObject({ code: 'TRAINING_NOT_FINITE' });
    expect((await torch.fit(jobOn(MLP))).steps).toBe(4);
  });
});
