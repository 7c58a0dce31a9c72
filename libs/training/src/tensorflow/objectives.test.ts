import { graphSchema, initialise, inferShapes, manifestOf, sizeOf, type Graph } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import { tensorOf, weightsOf } from '@consilium/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine, type Engine } from '../engine.js';
import type { FitState } from '../fitting/fit-state.js';
import type { LossName } from '../fitting/loss/loss.js';
import type { FitJob, GradientJob } from '../job.js';
import { EVERY_2D_LAYER, jobOn, LOGISTIC } from './graphs.fixture.js';

let wasm: Engine;
let cpu: Engine;
beforeAll(async () => {
  wasm = await openEngine('wasm', EVERY_2D_LAYER);
  cpu = await openEngine('cpu', EVERY_2D_LAYER);
});
afterAll(() => [wasm, cpu].forEach((engine) => engine.close()));

const SEGMENTER = graphSchema.parse({
  layers: [
    { type: 'input', name: 'image', shape: [6, 5, 1] },
    { type: 'conv2d', name: 'conv', filters: 3, kernel: [3, 3] },
    { type: 'activation', name: 'tanh', function: 'tanh' },
    { type: 'conv2d', name: 'mask', filters: 2, kernel: [1, 1] },
  ],
});
const CLASSES = graphSchema.parse({
  layers: [
    { type: 'input', name: 'features', shape: [3] },
    { type: 'dense', name: 'logits', units: 4 },
  ],
});
const LATE_FUSION = graphSchema.parse({
  layers: [
    { type: 'input', name: 'image', shape: [4, 4, 1] },
    { type: 'conv2d', name: 'conv', filters: 2, kernel: [3, 3] },
    { type: 'flatten', name: 'flat' },
    { type: 'input', name: 'table', shape: [3] },
    { type: 'concat', name: 'both', from: ['flat', 'table'] },
    { type: 'dense', name: 'logit', units: 1 },
  ],
});

const COUNT = 6;

/** A batch whose targets suit the loss. */
function batchOf(graph: Graph, loss: LossName, targets: number, highest: number): GradientJob {
  const random = seededRandom('test', loss, targets);
  const rows = graph.layers.reduce((sum, layer) => sum + (layer.type === 'input' ? sizeOf(layer.shape) : 0), 0);
  return {
    graph,
    weights: initialise(graph, 3),
    images: Float32Array.from({ length: COUNT * rows }, () => random.normal()),
    labels: Float32Array.from({ length: COUNT * targets }, () => random.integer(highest + 1)),
    count: COUNT,
    loss,
    classWeights: 'none',
  };
}

const CASES: [LossName, string, GradientJob][] = [
  ['binary-cross-entropy', 'one logit', batchOf(LOGISTIC, 'binary-cross-entropy', 1, 1)],
  ['binary-cross-entropy', 'an image and a table', batchOf(LATE_FUSION, 'binary-cross-entropy', 1, 1)],
  ['binary-cross-entropy', 'two masks', batchOf(SEGMENTER, 'binary-cross-entropy', 60, 1)],
  ['focal', 'one logit', batchOf(LOGISTIC, 'focal', 1, 1)],
  ['softmax-cross-entropy', 'four classes', batchOf(CLASSES, 'softmax-cross-entropy', 1, 3)],
  ['softmax-cross-entropy', 'a class for each pixel', batchOf(SEGMENTER, 'softmax-cross-entropy', 30, 1)],
  ['dice', 'two masks', batchOf(SEGMENTER, 'dice', 60, 1)],
  ['mean-squared-error', 'four values', batchOf(CLASSES, 'mean-squared-error', 4, 5)],
  ['cox-partial-likelihood', 'a log risk', batchOf(LOGISTIC, 'cox-partial-likelihood', 2, 1)],
];

describe.each(CASES)('the gradient of %s for %s', (_, _graph, job) => {
  it('is the same on both engines, and that of finite differences along itself', async () => {
    const [came, reference] = [await wasm.gradient(job), await cpu.gradient(job)];
    expect(came.loss).toBeCloseTo(reference.loss, 6);
    const norm = Math.hypot(...reference.gradient);
    expect(norm).toBeGreaterThan(0);
    came.gradient.forEach((value, i) => expect(Math.abs(value - reference.gradient[i]!) / norm).toBeLessThan(1e-5));

    const lossAt = async (h: number): Promise<number> => {
      const values = job.weights.values.map((value, i) => value + (h * came.gradient[i]!) / norm);
      return (await cpu.gradient({ ...job, weights: weightsOf(job.weights.manifest, values) })).loss;
    };
    const difference = ((await lossAt(0.01)) - (await lossAt(-0.01))) / 0.02;
    expect(Math.abs(difference - norm) / norm).toBeLessThan(2e-3);
  });
});

describe('the gradient of a batch', () => {
  const { images, labels, count } = jobOn(EVERY_2D_LAYER, { count: 8 });
  const job = { graph: EVERY_2D_LAYER, weights: initialise(EVERY_2D_LAYER, 7), images, labels, count } as const;

  it('has dropout off, batch norm by the batch, and zeros for what is not trained', async () => {
    const first = await wasm.gradient({ ...job, classWeights: 'balanced' });
    expect(await wasm.gradient({ ...job, classWeights: 'balanced' })).toEqual(first);
    const gradient = weightsOf(job.weights.manifest, first.gradient);
    expect([...tensorOf(gradient, 'norm/moving_mean')].every((value) => value === 0)).toBe(true);
    expect([...tensorOf(gradient, 'norm/gamma')].some((value) => value !== 0)).toBe(true);
  });

  it('is the first step of gradient descent without dropout', async () => {
    const graph = { layers: job.graph.layers.filter(({ type }) => type !== 'dropout') };
    const plain = { ...job, graph, classWeights: 'none', weights: initialise(graph, 7) } as const;
    const { loss, gradient } = await wasm.gradient(plain);
    const step: Partial<FitJob> = {
      ...plain,
      batchSize: 8,
      steps: 1,
      learningRate: 1,
      optimizer: { type: 'sgd', momentum: 0 },
    };
    const fitted = await wasm.fit(jobOn(graph, step));
    expect(fitted.loss).toBeCloseTo(loss, 6);
    const shown = tensorOf(weightsOf(manifestOf(graph), gradient), 'conv1/kernel');
    const before = tensorOf(plain.weights, 'conv1/kernel');
    tensorOf(fitted.weights, 'conv1/kernel').forEach((after, i) =>
      expect(before[i]! - after).toBeCloseTo(shown[i]!, 4),
    );
  });
});

describe('training goes on from a state', () => {
  it('with the same bits, through batch norm, dropout and augmentation', async () => {
    const job = jobOn(EVERY_2D_LAYER, {
      steps: 6,
      optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999 },
      augmentation: { flipHorizontal: true, flipVertical: false, shiftPixels: 1, rotateDegrees: 10, elasticPixels: 1 },
    });
    const states: FitState[] = [];
    const whole = await wasm.fit(job, { onState: (state) => states.push(state), stateEvery: 2 });
    expect(states.map(({ step }) => step)).toEqual([2, 4]);
    for (const resume of states) expect(await wasm.fit(job, { resume })).toEqual(whole);
  });
});

describe('a frozen batch norm', () => {
  it('keeps its statistics and normalises by them', async () => {
    const job = jobOn(EVERY_2D_LAYER, { frozen: ['norm', 'conv1'], steps: 2 });
    const { weights } = await wasm.fit(job);
    for (const name of ['norm/moving_mean', 'norm/moving_variance', 'norm/gamma', 'conv1/kernel', 'conv1/bias']) {
      expect(tensorOf(weights, name)).toEqual(tensorOf(job.weights, name));
    }
    expect(tensorOf(weights, 'conv2/kernel')).not.toEqual(tensorOf(job.weights, 'conv2/kernel'));
    expect((await wasm.fit({ ...job, frozen: [] })).loss).not.toBe((await wasm.fit(job)).loss);
  });
});

describe('prediction', () => {
  it('tells probabilities, classes or values, as it is asked', async () => {
    const { graph, weights, images } = batchOf(CLASSES, 'softmax-cross-entropy', 1, 3);
    const values = await wasm.predict(graph, weights, images, COUNT, 'none');
    expect(values).toHaveLength(COUNT * sizeOf(inferShapes(graph).get('logits')!));
    const classes = await wasm.predict(graph, weights, images, COUNT, 'softmax');
    expect(classes.subarray(0, 4).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
    expect(await wasm.predict(graph, weights, images, COUNT)).not.toEqual(classes);
  });
});
