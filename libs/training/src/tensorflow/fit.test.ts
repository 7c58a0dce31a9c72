import { initialise, type Graph } from '@consilium/model';
import { tensorOf, weightsOf, zeros } from '@consilium/weights';
import { memory } from './tfjs.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine, type Engine } from '../engine.js';
import type { FitProgress } from '../job.js';
import { measure } from '../metrics/measure.js';
import { EVERY_2D_LAYER, EVERY_3D_LAYER, jobOn, LOGISTIC } from './graphs.fixture.js';

let wasm: Engine;
let cpu: Engine;
beforeAll(async () => {
  wasm = await openEngine('wasm');
  cpu = await openEngine('cpu');
});
afterAll(() => [wasm, cpu].forEach((engine) => engine.close()));

const GRAPHS: [string, Graph][] = [
  ['images', EVERY_2D_LAYER],
  ['volumes', EVERY_3D_LAYER],
];

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);

describe.each(GRAPHS)('training a model of every layer for %s', (_, graph) => {
  it('gives the same weights on both engines', async () => {
    const job = jobOn(graph);
    const [onWasm, onCpu] = [await wasm.fit(job), await cpu.fit(job)];
    expect(largestDifference(onWasm.weights.values, onCpu.weights.values)).toBeLessThan(1e-5);
    expect(largestDifference(onWasm.weights.values, job.weights.values)).toBeGreaterThan(1e-3);
    expect(onWasm.loss).toBeCloseTo(onCpu.loss, 5);
  });

  it('gives the same bits again, and others for another seed', async () => {
    const job = jobOn(graph, { augmentation: { flipHorizontal: true, flipVertical: true, shiftPixels: 1 } });
    const first = await wasm.fit(job);
    expect(await wasm.fit(job)).toEqual(first);
    expect((await wasm.fit({ ...job, seed: [2, 'site-a', 1] })).weights.values).not.toEqual(first.weights.values);
  });

  it('leaves the job’s own weights as they were', async () => {
    const job = jobOn(graph);
    const before = job.weights.values.slice();
    await wasm.fit(job);
    await cpu.fit(job);
    expect(job.weights.values).toEqual(before);
  });

  it('leaves no tensor behind, of training or prediction', async () => {
    const job = jobOn(graph);
    const before = memory().numTensors;
    const { weights } = await wasm.fit(job);
    await wasm.predict(graph, weights, job.images, job.count);
    expect(memory().numTensors).toBe(before);
  });

  it('predicts the same on both engines', async () => {
    const { images, count } = jobOn(graph);
    const weights = initialise(graph, 3);
    const [a, b] = [
      await wasm.predict(graph, weights, images, count),
      await cpu.predict(graph, weights, images, count),
    ];
    expect(largestDifference(a, b)).toBeLessThan(1e-6);
    expect(new Set(a).size).toBeGreaterThan(1);
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
    for (const engine of [wasm, cpu]) {
      const { weights, loss, steps } = await engine.fit(job);
      // kernel: −0.1 · (−¼ · [1, 2, 3] + ¼ · [−1, 0, 5]); bias: the two gradients cancel.
      [0.05, 0.05, -0.05].forEach((value, i) => expect(tensorOf(weights, 'logit/kernel')[i]).toBeCloseTo(value, 7));
      expect(tensorOf(weights, 'logit/bias')[0]).toBeCloseTo(0, 7);
      expect(loss).toBeCloseTo(Math.LN2, 7);
      expect(steps).toBe(1);
    }
  });

  it('measures batch norm’s moving statistics', async () => {
    const job = jobOn(EVERY_2D_LAYER, { steps: 1 });
    const { weights } = await wasm.fit(job);
    const [mean, variance] = ['norm/moving_mean', 'norm/moving_variance'].map((name) => tensorOf(weights, name));
    // From 0 and 1 towards the batch's own with momentum 0.8.
    expect(mean!.some((value) => value !== 0)).toBe(true);
    expect(variance!.every((value) => value >= 0.8 && value !== 1)).toBe(true);
  });
});

describe('training', () => {
  it('learns', async () => {
    const job = jobOn(EVERY_2D_LAYER, {
      steps: 40,
      count: 60,
      classWeights: 'balanced',
      optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999 },
    });
    const before = measure(job.labels, await wasm.predict(job.graph, job.weights, job.images, job.count));
    const { weights } = await wasm.fit(job);
    const after = measure(job.labels, await wasm.predict(job.graph, weights, job.images, job.count));
    expect(after.auc!.value).toBeGreaterThan(0.99);
    expect(after.auc!.value).toBeGreaterThan(before.auc!.value);
  });

  it('tells its progress after every step', async () => {
    const told: FitProgress[] = [];
    const { loss } = await wasm.fit(jobOn(LOGISTIC, { steps: 5 }), { onProgress: (progress) => told.push(progress) });
    expect(told.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(told.every(({ steps }) => steps === 5)).toBe(true);
    expect(loss).toBeCloseTo(told.reduce((sum, progress) => sum + progress.loss, 0) / 5, 12);
  });

  it('stops between steps when it is aborted', async () => {
    const abort = new AbortController();
    const steps: number[] = [];
    const onProgress = ({ step }: FitProgress): void => {
      steps.push(step);
      if (step === 3) abort.abort();
    };
    const work = wasm.fit(jobOn(LOGISTIC, { steps: 100 }), { onProgress, signal: abort.signal });
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED' });
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
    await wasm.fit(jobOn(LOGISTIC, { steps: 20 }));
    done = true;
    expect(turns).toBeGreaterThanOrEqual(20);
  });

  it('stops with the step at which the loss is not finite', async () => {
    const job = jobOn(EVERY_2D_LAYER, { learningRate: 1e30, steps: 10 });
    const before = memory().numTensors;
    await expect(wasm.fit(job)).rejects.toMatchObject({
      code: 'TRAINING_NOT_FINITE',
      facts: { step: expect.any(Number) },
    });
    expect(memory().numTensors).toBe(before);
  });

  it('gives no weights that are not finite, even if the last step made them so', async () => {
    const job = jobOn(LOGISTIC, { images: new Float32Array(24 * 3).fill(1e30), learningRate: 1e30, steps: 1 });
    await expect(wasm.fit(job)).rejects.toMatchObject({ code: 'TRAINING_NOT_FINITE', facts: { step: 1 } });
  });

  it('takes a batch larger than the data', async () => {
    const { steps } = await wasm.fit(jobOn(EVERY_2D_LAYER, { count: 3, batchSize: 8 }));
    expect(steps).toBe(4);
  });

  it('takes data of one class', async () => {
    const job = jobOn(LOGISTIC, { labels: new Uint8Array(24), classWeights: 'balanced' });
    expect((await wasm.fit(job)).loss).toBeGreaterThan(0);
  });

  it('shrinks kernels and nothing else by weight decay', async () => {
    const job = jobOn(LOGISTIC, {
      weights: weightsOf(initialise(LOGISTIC, 1).manifest, Float32Array.of(1, 1, 1, 1)),
      steps: 1,
    });
    const [plain, decayed] = [await wasm.fit(job), await wasm.fit({ ...job, weightDecay: 0.5 })];
    const shrunk = plain.weights.values.map((value, i) => value - decayed.weights.values[i]!);
    [0.005, 0.005, 0.005, 0].forEach((by, i) => expect(shrunk[i]).toBeCloseTo(by, 6));
  });
});

describe('what does not fit is refused:', () => {
  it('no samples', async () => {
    const job = jobOn(LOGISTIC, { count: 0, images: new Float32Array(), labels: new Uint8Array() });
    await expect(wasm.fit(job)).rejects.toMatchObject({ code: 'DATA_EMPTY' });
  });

  it('another model’s weights', async () => {
    const weights = initialise(EVERY_3D_LAYER, 1);
    await expect(wasm.fit(jobOn(LOGISTIC, { weights }))).rejects.toMatchObject({ code: 'WEIGHTS_MISMATCH' });
    await expect(wasm.predict(LOGISTIC, weights, new Float32Array(3), 1)).rejects.toMatchObject({
      code: 'WEIGHTS_MISMATCH',
    });
  });

  it('a model with two outputs', async () => {
    const graph: Graph = { layers: [LOGISTIC.layers[0]!, { type: 'dense', name: 'logits', units: 2, bias: true }] };
    await expect(wasm.fit(jobOn(graph))).rejects.toMatchObject({ code: 'GRAPH_INVALID', facts: { layer: 'logits' } });
  });

  it('images that do not fill the input', async () => {
    await expect(wasm.fit(jobOn(LOGISTIC, { images: new Float32Array(5) }))).rejects.toThrow('images fill the shape');
  });
});

describe('prediction', () => {
  it('of nothing is nothing', async () => {
    expect(await wasm.predict(LOGISTIC, initialise(LOGISTIC, 1), new Float32Array(), 0)).toEqual(new Float32Array());
  });

  it('does not depend on how many images go through at once', async () => {
    const { images } = jobOn(EVERY_2D_LAYER, { count: 300 });
    const weights = initialise(EVERY_2D_LAYER, 1);
    const all = await wasm.predict(EVERY_2D_LAYER, weights, images, 300);
    const size = images.length / 300;
    const last = await wasm.predict(EVERY_2D_LAYER, weights, images.slice(299 * size), 1);
    expect(last[0]).toBeCloseTo(all[299]!, 6);
  });

  it('is refused for weights that give no number', async () => {
    const { manifest } = initialise(LOGISTIC, 1);
    const weights = weightsOf(manifest, new Float32Array(manifest.size).fill(NaN));
    await expect(wasm.predict(LOGISTIC, weights, new Float32Array(6), 2)).rejects.toMatchObject({
      code: 'TRAINING_NOT_FINITE',
      facts: { example: 0 },
    });
  });
});
